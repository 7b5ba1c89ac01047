#include "base/limited_child.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

using namespace std::chrono_literals;

LimitedOutcome run_shell(const std::string& script, const std::string& input = "",
                         const ChildLimits& limits = {}) {
    return run_limited({"sh", "-c", script}, input, "the job\n", limits);
}

TEST(LimitedChild, ReadsItsInputAndItsJobAndSaysWhatItSays) {
    const LimitedOutcome outcome = run_shell("cat; cat <&3; echo error >&2; exit 4", "the input\n");
    EXPECT_EQ(outcome.output, "the input\nthe job\n");
    EXPECT_EQ(outcome.errors, "error\n");
    EXPECT_EQ(outcome.status, 4);
    EXPECT_FALSE(outcome.timed_out || outcome.said_too_much);
}

TEST(LimitedChild, MayLeaveALargeInputUnread) {
    EXPECT_EQ(run_shell("exit 0", std::string(4 << 20, 'x')).status, 0);
}

TEST(LimitedChild, IsKilledWithItsChildrenWhenItsTimeIsUp) {
    const auto begin = std::chrono::steady_clock::now();
    const LimitedOutcome outcome = run_shell("echo begun; sleep 60 & sleep 60", "", {200ms, 1024});
    EXPECT_TRUE(outcome.timed_out);
    EXPECT_EQ(outcome.output, "begun\n");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(LimitedChild, IsKilledAlsoWhenItHasClosedItsOutput) {
    const LimitedOutcome outcome = run_shell("exec sleep 60 >&- 2>&-", "", {200ms, 1024});
    EXPECT_TRUE(outcome.timed_out);
}

TEST(LimitedChild, IsKilledWhenItSaysTooMuch) {
    const LimitedOutcome outcome = run_shell("yes", "", {10s, 1000});
    EXPECT_TRUE(outcome.said_too_much);
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_EQ(outcome.output.size(), 1000U);
}

TEST(LimitedChild, ThatIsNowhereIsAnErrorOfTheEnvironment) {
    try {
        run_limited({"no-such-program-here"}, "", "", {});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("no-such-program-here"), std::string::npos);
    }
}

}  // namespace
}  // namespace bitgauge
