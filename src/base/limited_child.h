#pragma once

// Another program that nothing good is known about: what it is given, says and takes has limits.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace bitgauge {

struct ChildLimits {
    std::chrono::milliseconds wall_time{10'000};
    size_t output_bytes = size_t{1} << 20;  // of standard output and standard error, each
};

struct LimitedOutcome {
    int status = 0;  // exit status; meaningless when `signal` is set
    int signal = 0;  // what ended it, 0 for none
    bool timed_out = false;
    bool said_too_much = false;
    std::string output;  // at most `output_bytes` of each
    std::string errors;
};

// Runs command[0] (looked up on the PATH) with `input` as its standard input and `job` behind file
// descriptor 3. At a limit, or at an interrupt (then Error(kInterrupted)), its process group is
// killed, and a process that holds its output open has two more seconds to go.
// Error(kEnvironment) when it cannot be started. Thread-safe.
LimitedOutcome run_limited(const std::vector<std::string>& command, const std::string& input,
                           const std::string& job, const ChildLimits& limits);

}  // namespace bitgauge
