#pragma once

// Descriptors that close themselves, and a program started with them: what the files of this room
// that run other programs share.

#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace bitgauge {

// Error(kEnvironment) with what errno says.
[[noreturn]] void fail_for(const std::string& what);

class Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    int number() const { return number_; }
    void close() {
        if (number_ >= 0) ::close(number_);
        number_ = -1;
    }

  private:
    int number_;
};

// A copy of it for a child, out of the way of the numbers it shall get there (0 to 3).
Descriptor moved_up(const Descriptor& descriptor);

// Starts command[0] (looked up on the PATH) in a process group of its own, with default signals;
// `descriptors` become its 0, 1, ... Error(kEnvironment) when it cannot be started.
pid_t spawn_apart(const std::vector<std::string>& command, std::span<const int> descriptors);

}  // namespace bitgauge
