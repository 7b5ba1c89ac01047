#include "base/dialogue_child.h"

#include <csignal>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{20'000};

TEST(DialogueChild, AnswersLineAfterLine) {
    DialogueChild child({"sed", "-u", "s/a/b/g"});
    for (const std::string line : {"banana", "", "a"}) {
        child.tell(line);
        std::string expected = line;
        for (char& c : expected) c = c == 'a' ? 'b' : c;
        EXPECT_EQ(child.hear(kLong), expected);
    }
}

TEST(DialogueChild, TakesLinesLongerThanAPipe) {
    DialogueChild child({"sed", "-u", "s/^/=/"});
    const std::string line(300'000, 'x');
    child.tell(line);
    EXPECT_EQ(child.hear(kLong), "=" + line);
}

TEST(DialogueChild, ThatEndedSaysHow) {
    DialogueChild child({"sh", "-c", "read line; echo $line; echo reason >&2; exit 7"});
    child.tell("once");
    EXPECT_EQ(child.hear(kLong), "once");
    EXPECT_EQ(child.hear(kLong), std::nullopt);
    EXPECT_EQ(child.end().status, 7);
    EXPECT_EQ(child.end().errors, "reason\n");
    child.tell("to nobody");
    EXPECT_EQ(child.hear(kLong), std::nullopt);
}

TEST(DialogueChild, ThatTakesTooLongIsKilled) {
    DialogueChild child({"sleep", "60"});
    EXPECT_EQ(child.hear(milliseconds(50)), std::nullopt);
    EXPECT_TRUE(child.end().timed_out);
    EXPECT_EQ(child.end().signal, SIGKILL);
}

}  // namespace
}  // namespace bitgauge
