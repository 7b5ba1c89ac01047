#include "rounding/choose_setting.h"

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "rounding/rounding_testing.h"

namespace bitgauge {
namespace {

constexpr size_t kWidth = 256;
const int kType = find_type("q4_K")->id;

TEST(ChooseSetting, TakesFeedbackWhereInputsAreCorrelated) {
    const SyntheticInput input(kWidth, 1, 1);
    const auto choice = choose_setting(moments_of(kWidth, input.tokens(4096, 1)),
                                       moments_of(kWidth, input.tokens(2048, 2)), kType,
                                       synthetic_weights(32 * kWidth, 1));
    EXPECT_TRUE(choice.use_feedback);
    EXPECT_LT(choice.feedback_error, 0.6 * choice.nearest_error);
    EXPECT_LT(choice.predicted_gain, 0.6);
}

TEST(ChooseSetting, FallsBackWhereFewTokensTellNothing) {
    const SyntheticInput input(kWidth, 0, 1);
    const auto choice = choose_setting(moments_of(kWidth, input.tokens(64, 1)),
                                       moments_of(kWidth, input.tokens(4096, 2)), kType,
                                       synthetic_weights(32 * kWidth, 1));
    EXPECT_FALSE(choice.use_feedback);
    EXPECT_GE(choice.feedback_error, choice.nearest_error);
}

TEST(ChooseSetting, WantsMoreDampingOfFewerTokens) {
    const SyntheticInput input(kWidth, 1, 1);
    const auto check = moments_of(kWidth, input.tokens(4096, 2));
    const auto weights = synthetic_weights(32 * kWidth, 1);
    const auto few =
        choose_setting(moments_of(kWidth, input.tokens(128, 1)), check, kType, weights);
    const auto many =
        choose_setting(moments_of(kWidth, input.tokens(8192, 1)), check, kType, weights);
    EXPECT_GT(few.setting.damping, many.setting.damping);
    EXPECT_LT(many.feedback_error, few.feedback_error);
}

TEST(ChooseSetting, CorrectsWhereTheInputWasShifted) {
    const SyntheticInput input(kWidth, 1, 1);
    const auto shifted = [&](size_t count, unsigned seed) {
        const std::vector<float> xq = input.tokens(count, seed);
        std::vector<float> x = xq;
        for (float& value : x) value *= 1.05F;
        return moments_of(kWidth, xq, x);
    };
    const auto choice = choose_setting(shifted(4096, 1), shifted(2048, 2), kType,
                                       synthetic_weights(32 * kWidth, 1));
    EXPECT_EQ(choice.setting.correction, 1);
    EXPECT_TRUE(choice.use_feedback);
}

TEST(ChooseSetting, DescendsWhereATypeIsSoCoarseThatItPays) {
    const SyntheticInput input(kWidth, 1, 1);
    const auto fit = moments_of(kWidth, input.tokens(4096, 1));
    const auto check = moments_of(kWidth, input.tokens(2048, 2));
    const auto weights = synthetic_weights(32 * kWidth, 1);
    for (const char* name : {"iq3_s", "iq2_s", "q2_K"}) {
        const int type = find_type(name)->id;
        ASSERT_EQ(sweeps_worth_trying(type), 1) << name;
        const auto without = choose_setting(fit, check, type, weights);
        const auto with = choose_setting(fit, check, type, weights, {.sweeps = 1});
        EXPECT_EQ(with.setting.sweeps, 1) << name;
        EXPECT_LT(with.feedback_error, without.feedback_error) << name;
    }
    EXPECT_EQ(sweeps_worth_trying(find_type("q4_K")->id), 0);
}

TEST(ChooseSetting, LeansOnThePriorOfARareExpert) {
    const SyntheticInput input(kWidth, 1, 1);
    const auto fit = moments_of(kWidth, input.tokens(32, 1));
    const auto check = moments_of(kWidth, input.tokens(2048, 2));
    const auto layer = moments_of(kWidth, input.tokens(4096, 3));
    const auto weights = synthetic_weights(32 * kWidth, 1);
    const auto alone = choose_setting(fit, check, kType, weights);
    const auto leaning = choose_setting(fit, check, kType, weights, {}, &layer);
    EXPECT_EQ(alone.prior_tokens, 0);
    EXPECT_GT(leaning.prior_tokens, 0);
    EXPECT_LT(leaning.feedback_error, alone.feedback_error);
}

TEST(ChooseSetting, AnExpertWithoutTokensHasItsPrior) {
    const SyntheticInput input(kWidth, 1, 1);
    const auto layer = moments_of(kWidth, input.tokens(2048, 3));
    const auto choice = choose_setting(InputMoments{.width = kWidth}, layer, kType,
                                       synthetic_weights(16 * kWidth, 1), {}, &layer);
    EXPECT_TRUE(choice.use_feedback);
    EXPECT_GT(choice.prior_tokens, 0);
}

}  // namespace
}  // namespace bitgauge
