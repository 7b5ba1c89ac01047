#pragma once

// How long work tells its user how far it is. The library calls, the program prints.

#include <cstdint>
#include <string>

namespace bitgauge {

// Thread-compatible: callers report from one thread at a time. The base class says nothing.
class Progress {
  public:
    virtual ~Progress() = default;

    // A task of `total` steps begins; the one before it has ended. `unit` names a step ("windows").
    virtual void begin(const std::string& /*task*/, int64_t /*total*/,
                       const std::string& /*unit*/) {}
    virtual void advance(int64_t /*steps*/) {}
    virtual void end() {}
    // Something the user should know although the work goes on; one sentence.
    virtual void warn(const std::string& /*message*/) {}
    // A line of detail, shown with -v.
    virtual void detail(const std::string& /*message*/) {}
};

// The one that says nothing.
Progress& silent_progress();

}  // namespace bitgauge
