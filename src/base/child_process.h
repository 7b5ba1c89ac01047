#pragma once

// Another program, started and waited for; what it says arrives line by line.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace bitgauge {

struct ChildOutcome {
    int status = 0;           // exit status; meaningless when `signal` is set
    int signal = 0;           // what ended it, 0 for none
    std::string last_errors;  // the end of its standard error, a few lines
};

// Runs `program` with `arguments` (without the program's own name). Each line of its standard
// output goes to `on_line` in this thread. An interrupt of this process is passed on; the child is
// waited for. Error(kEnvironment) when it cannot be started.
ChildOutcome run_child(const std::filesystem::path& program,
                       const std::vector<std::string>& arguments,
                       const std::function<void(const std::string&)>& on_line);

// For a child of run_child: the kernel kills it when the process that started it dies, however that
// happens; at once when that is dead already.
void end_with_parent();

}  // namespace bitgauge
