#pragma once

// The one exception of bitgauge: what happened, which values, and one thing to do about it.
//
// Thrown by the library, caught by the program, at thread joins and inside C callbacks (where it is
// kept as std::exception_ptr and rethrown after the call).

#include <stdexcept>
#include <string>
#include <utility>

namespace bitgauge {

// The value is the exit status of the program.
enum class ErrorKind {
    kGate = 1,           // ran, but a limit the user set was passed
    kInput = 2,          // usage or bad input
    kEnvironment = 3,    // I/O, memory, device
    kNotFinite = 4,      // NaN or infinity where a number was due
    kInterrupted = 130,  // Ctrl-C
};

class Error : public std::runtime_error {
  public:
    // `message`: one sentence with the values on both sides, lower case, no full stop.
    // `hint`: one thing to do; empty when there is none.
    Error(ErrorKind kind, const std::string& message, std::string hint = {})
        : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

    ErrorKind kind() const { return kind_; }
    const std::string& hint() const { return hint_; }

  private:
    ErrorKind kind_;
    std::string hint_;
};

}  // namespace bitgauge
