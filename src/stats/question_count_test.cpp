#include <cmath>

#include <boost/math/distributions/binomial.hpp>
#include <gtest/gtest.h>

#include "bitgauge/accuracy.h"
#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// Connor's formula with scipy.stats.norm.ppf: 625.55, 233.09, 117730.84.
TEST(QuestionsToSeparate, MatchConnorsFormula) {
    EXPECT_EQ(questions_to_separate(0.80, 0.75, 0.2), 626u);
    EXPECT_EQ(questions_to_separate(0.60, 0.70, 0.3), 234u);
    EXPECT_EQ(questions_to_separate(0.807, 0.805, 0.06), 117731u);
}

using Binomial = boost::math::binomial_distribution<double>;

// The chance that McNemar's mid-p falls below 0.05, by enumeration of all outcomes.
double exact_power(uint64_t n, double gains, double losses) {
    const double discordant = gains + losses;
    const Binomial changes(static_cast<double>(n), discordant);
    double power = 0;
    for (uint64_t m = 1; m <= n; ++m) {
        const double weight = boost::math::pdf(changes, static_cast<double>(m));
        if (weight < 1e-9) continue;
        const Binomial side(static_cast<double>(m), gains / discordant);
        for (uint64_t k = 0; k <= m; ++k) {
            const double chance = boost::math::pdf(side, static_cast<double>(k));
            if (chance > 1e-9 && mcnemar_mid_p(k, m - k) < 0.05) power += weight * chance;
        }
    }
    return power;
}

TEST(QuestionsToSeparate, GiveTheChanceToDecideThatWasAskedFor) {
    const uint64_t n = questions_to_separate(0.70, 0.60, 0.3).value();
    const double power = exact_power(n, 0.2, 0.1);
    EXPECT_GT(power, 0.79);
    EXPECT_LT(power, 0.82);
}

TEST(QuestionsToSeparate, GrowWithDiscordanceAndWithPower) {
    const auto base = questions_to_separate(0.8, 0.75, 0.2);
    EXPECT_GT(questions_to_separate(0.8, 0.75, 0.3), base);
    EXPECT_GT(questions_to_separate(0.8, 0.75, 0.2, {.power = 0.9}), base);
    EXPECT_GT(questions_to_separate(0.8, 0.75, 0.2, {.alpha = 0.01}), base);
}

TEST(QuestionsToSeparate, AreNoNumberForEqualAccuracies) {
    EXPECT_FALSE(questions_to_separate(0.8, 0.8, 0.1));
}

TEST(QuestionsToSeparate, RefuseADifferenceLargerThanTheDiscordance) {
    EXPECT_THROW(questions_to_separate(0.8, 0.5, 0.1), Error);
    EXPECT_THROW(questions_to_separate(1.2, 0.5, 0.8), Error);
    EXPECT_THROW(questions_to_separate(0.8, 0.7, 0.2, {.power = 1.0}), Error);
    EXPECT_NO_THROW(questions_to_separate(0.3, 0.1, 0.2));  // 0.3 - 0.1 > 0.2 in doubles
}

TEST(DetectableDifference, IsTheInverseOfTheNumberOfQuestions) {
    for (const double discordant : {0.02, 0.2, 0.7}) {
        for (const uint64_t n : {uint64_t{600}, uint64_t{14042}}) {
            const double delta = detectable_difference(n, discordant).value();
            const auto needed = questions_to_separate(0.0, delta, discordant).value();
            EXPECT_LE(needed, n + 1);
            EXPECT_GE(needed, n);
        }
    }
}

TEST(DetectableDifference, IsNothingWhereNoDifferenceWouldDo) {
    EXPECT_FALSE(detectable_difference(0, 0.2));
    EXPECT_FALSE(detectable_difference(100, 0.0));
    EXPECT_FALSE(detectable_difference(100, 0.01));  // one question is discordant
}

}  // namespace
}  // namespace bitgauge
