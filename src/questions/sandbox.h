#pragma once

// Generated Python inside bubblewrap; what it may do is said in verdict.h. scripts/run_answer.py,
// which runs there first, takes the limits on.

#include <string>

#include "bitgauge/verdict.h"

namespace bitgauge {

struct PythonJob {
    std::string prelude;
    std::string starter;
    std::string answer;
    std::string tests;  // "": the answer is a program that reads `input`
    std::string input;
};

struct PythonOutcome {
    bool passed = false;  // all tests; without tests: ended well
    std::string output;
    std::string note;  // why not
};

// Thread-safe.
class Sandbox {
  public:
    // Error(kEnvironment) where nothing can be run: there is no way around the sandbox. `program`
    // is looked up on the PATH.
    explicit Sandbox(const JudgeLimits& limits, std::string program = "bwrap");

    PythonOutcome run(const PythonJob& job) const;

  private:
    JudgeLimits limits_;
    std::string program_;
};

// Why `program` cannot run Python here; "" where it can.
std::string sandbox_problem(const std::string& program);

}  // namespace bitgauge
