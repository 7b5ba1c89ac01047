#include "chat/fit_history.h"

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// 5 tokens of system message, 10 for each turn, 7 of the newest message.
PromptOf ten_a_turn(size_t turns, int* calls = nullptr) {
    return [turns, calls](size_t left_out) {
        if (calls != nullptr) ++*calls;
        return std::vector<TokenId>(5 + 10 * (turns - left_out) + 7);
    };
}

TEST(FitHistory, LeavesNothingOutWhereThereIsRoom) {
    int calls = 0;
    const auto fitted = fit_history(4, 100, 48, ten_a_turn(4, &calls));
    EXPECT_EQ(fitted.tokens.size(), 52U);
    EXPECT_EQ(fitted.left_out, 0U);
    EXPECT_EQ(calls, 1);
}

TEST(FitHistory, LeavesOutTheOldestUntilHalfIsFree) {
    const auto fitted = fit_history(4, 100, 49, ten_a_turn(4));
    EXPECT_EQ(fitted.left_out, 1U);  // 42 tokens; 52 are more than half of 100
    EXPECT_EQ(fitted.tokens.size(), 42U);
}

TEST(FitHistory, LeavesOutAllWhereTheNewestAloneIsMoreThanHalf) {
    for (size_t turns : {1, 2, 9}) {
        const auto fitted = fit_history(turns, 20, 5, ten_a_turn(turns));
        EXPECT_EQ(fitted.left_out, turns);
        EXPECT_EQ(fitted.tokens.size(), 12U);
    }
}

TEST(FitHistory, RefusesAMessageThatFillsTheContext) {
    EXPECT_EQ(fit_history(0, 13, 3, ten_a_turn(0)).tokens.size(), 12U);  // room for one token
    try {
        fit_history(3, 12, 3, ten_a_turn(3));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_STREQ(error.what(),
                     "the message has 12 tokens with all that goes with it, and the "
                     "context of 12 has room for 11");
    }
}

TEST(FitHistory, AsksForFewPromptsOfALongHistory) {
    int calls = 0;
    const auto fitted = fit_history(1000, 8192, 2048, ten_a_turn(1000, &calls));
    EXPECT_EQ(fitted.tokens.size(), 4092U);
    EXPECT_LT(calls, 14);
}

TEST(FitHistory, KeepsRoomForTheAnswerThatWasAskedFor) {
    EXPECT_EQ(room_for_answer(1000, 0), 250U);
    EXPECT_EQ(room_for_answer(1000, 30), 30U);
    EXPECT_EQ(room_for_answer(1000, 5000), 500U);
}

}  // namespace
}  // namespace bitgauge
