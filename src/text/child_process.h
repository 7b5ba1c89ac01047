#pragma once

// One program run to its end: text in, text out.

#include <string>
#include <vector>

namespace bitgauge {

struct ChildResult {
    int exit_status = 0;  // of a program that ended by itself
    int signal = 0;       // that ended it otherwise; 0: none
    std::string output;
    std::string errors;
};

// Runs `command` (looked up in PATH, no shell) with `input` on its stdin. Input and output are
// files in a temporary folder, so neither side can block the other whatever the sizes. Throws
// Error(kEnvironment) when the program cannot be started.
ChildResult run_child(const std::vector<std::string>& command, const std::string& input);

}  // namespace bitgauge
