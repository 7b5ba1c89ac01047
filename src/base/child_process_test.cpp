#include "base/child_process.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

// What a child is left with when its parent is gone before it got to run.
void write_to_nobody() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) std::abort();
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(ChildProcess, EndsWithAParentThatDiedBeforeItRan) {
    EXPECT_EXIT(
        {
            write_to_nobody();
            end_with_parent();
            std::exit(0);
        },
        testing::KilledBySignal(SIGKILL), "");
}

TEST(ChildProcess, GoesOnWhileItsParentLives) {
    EXPECT_EXIT(
        {
            end_with_parent();
            std::exit(0);
        },
        testing::ExitedWithCode(0), "");
}

TEST(ChildProcess, SaysItsLinesAndHowItEnded) {
    std::vector<std::string> lines;
    const auto keep = [&](const std::string& line) { lines.push_back(line); };
    const ChildOutcome ended =
        run_child("/bin/sh", {"-c", "echo one; echo two; echo why >&2; exit 7"}, keep);
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(ended.last_errors, "why\n");
    EXPECT_EQ(ended.status, 7);
    EXPECT_EQ(run_child("/bin/sh", {"-c", "kill -9 $$"}, keep).signal, SIGKILL);
}

}  // namespace
}  // namespace bitgauge
