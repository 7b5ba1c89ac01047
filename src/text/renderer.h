#pragma once

// What is common to the programs that run chat templates through Jinja2 of Python.

#include <string>

namespace bitgauge {

constexpr int kStatusNoJinja = 3;      // of the scripts
constexpr int kStatusNoProgram = 127;  // of env(1)

// Error(kEnvironment) for an interpreter that could not do it: what it lacks or how it ended.
[[noreturn]] void fail_renderer(const std::string& interpreter, int status, int signal,
                                const std::string& last_errors);

}  // namespace bitgauge
