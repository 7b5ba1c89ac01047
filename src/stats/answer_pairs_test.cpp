#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/accuracy.h"
#include "bitgauge/error.h"
#include "bitgauge/stats.h"

namespace bitgauge {
namespace {

// scipy.stats.binomtest(min(b, c), b + c, 0.5).pvalue, equal to statsmodels mcnemar(exact=True);
// mid-p: that minus scipy.stats.binom.pmf(b, b + c, 0.5).
TEST(McNemar, MatchesScipyAndStatsmodels) {
    EXPECT_NEAR(mcnemar_exact_p(1, 7), 0.0703125, 1e-14);
    EXPECT_NEAR(mcnemar_mid_p(1, 7), 0.0390625, 1e-14);
    EXPECT_NEAR(mcnemar_exact_p(40, 15), 0.0010158471941252854, 1e-14);
    EXPECT_NEAR(mcnemar_mid_p(40, 15), 0.0006855641563783814, 1e-14);
    EXPECT_NEAR(mcnemar_exact_p(300, 320), 0.44545428321314423, 1e-11);
    EXPECT_NEAR(mcnemar_mid_p(300, 320), 0.42224425698928847, 1e-11);
    EXPECT_NEAR(mcnemar_exact_p(1200, 1400), 9.44223476534101e-05, 1e-14);
    EXPECT_NEAR(mcnemar_mid_p(1200, 1400), 8.731560155857718e-05, 1e-14);
}

// Three changes, all one way: 2 / 2^3, and half the probability of what was seen less.
TEST(McNemar, MatchesTheClosedFormOfChangesInOneDirection) {
    EXPECT_DOUBLE_EQ(mcnemar_exact_p(0, 3), 0.25);
    EXPECT_DOUBLE_EQ(mcnemar_mid_p(0, 3), 0.125);
}

TEST(McNemar, OfAsManyGainsAsLossesDecidesNothing) {
    EXPECT_EQ(mcnemar_exact_p(5, 5), 1.0);
    EXPECT_DOUBLE_EQ(mcnemar_mid_p(5, 5), 1 - 0.5 * 252.0 / 1024);  // 1 - P(X = 5) / 2
    EXPECT_EQ(mcnemar_exact_p(0, 0), 1.0);
    EXPECT_EQ(mcnemar_mid_p(0, 0), 1.0);
}

// Airway hyper-responsiveness of Bentur et al. 2009 as in Fagerland, Lydersen & Laake 2014, Stat.
// Med. 33, 2850: the interval is printed there as -0.507 to -0.026.
TEST(PairedDifference, MatchesThePublishedIntervalOfNewcombe) {
    const Estimate d = paired_difference({1, 1, 7, 12});
    EXPECT_NEAR(d.value, -6.0 / 21, 1e-15);
    EXPECT_NEAR(d.low, -0.506920226686141, 1e-12);
    EXPECT_NEAR(d.high, -0.02555912416485978, 1e-12);
}

// Newcombe's method 10 written down in NumPy; the second table needs the continuity correction.
TEST(PairedDifference, MatchesAnIndependentCalculation) {
    const Estimate small = paired_difference({36, 12, 2, 0});
    EXPECT_NEAR(small.low, 0.05692958400323869, 1e-12);
    EXPECT_NEAR(small.high, 0.3404276029749407, 1e-12);
    const Estimate large = paired_difference({700, 60, 75, 165});
    EXPECT_NEAR(large.low, -0.037903426494311984, 1e-12);
    EXPECT_NEAR(large.high, 0.007868557242676669, 1e-12);
}

TEST(PairedDifference, OfIdenticalSheetsIsZeroWithAWidth) {
    const Estimate d = paired_difference({80, 0, 0, 20});
    EXPECT_EQ(d.value, 0.0);
    EXPECT_LT(d.low, 0.0);
    EXPECT_GT(d.high, 0.0);
    EXPECT_NEAR(d.low, -d.high, 0.02);
}

TEST(PairedDifference, IsAntisymmetric) {
    const Estimate ab = paired_difference({50, 9, 4, 30}), ba = paired_difference({50, 4, 9, 30});
    EXPECT_DOUBLE_EQ(ab.low, -ba.high);
    EXPECT_DOUBLE_EQ(ab.high, -ba.low);
}

// The same formula in NumPy. As a ratio of successes the first is Bentur et al.'s table.
TEST(ErrorIncrease, MatchesAnIndependentCalculationOfBonettAndPrice) {
    const Estimate few = error_increase({12, 7, 1, 1});
    EXPECT_NEAR(few.value, 0.25 - 1, 1e-15);
    EXPECT_NEAR(few.low, 0.0677340014376934 - 1, 1e-12);
    EXPECT_NEAR(few.high, 0.9227271189269979 - 1, 1e-12);
    const Estimate many = error_increase({700, 60, 75, 165});
    EXPECT_NEAR(many.value, 240.0 / 225 - 1, 1e-12);
    EXPECT_NEAR(many.low, 0.9668525606388569 - 1, 1e-12);
    EXPECT_NEAR(many.high, 1.1767851936245384 - 1, 1e-12);
}

TEST(ErrorIncrease, OfAnOriginalWithoutErrorsIsNoNumber) {
    EXPECT_TRUE(std::isnan(error_increase({90, 0, 10, 0}).value));
    EXPECT_TRUE(std::isnan(error_increase({}).value));
}

TEST(ErrorIncrease, OfACandidateWithoutErrorsIsMinusOne) {
    const Estimate increase = error_increase({90, 10, 0, 0});
    EXPECT_EQ(increase.value, -1.0);
    EXPECT_EQ(increase.low, -1.0);
    EXPECT_LT(increase.high, 0.0);
}

struct Sheets {
    std::vector<uint8_t> candidate, original;
    std::vector<uint32_t> cluster;

    void add(int times, uint8_t c, uint8_t o, uint32_t category) {
        for (int i = 0; i < times; ++i) {
            candidate.push_back(c);
            original.push_back(o);
            cluster.push_back(category);
        }
    }
};

Sheets three_categories() {
    Sheets s;
    for (uint32_t category = 0; category < 3; ++category) {
        s.add(20, 1, 1, category);
        s.add(1, 1, 0, category);
        s.add(6 + static_cast<int>(category), 0, 1, category);
        s.add(5, 0, 0, category);
    }
    return s;
}

TEST(CompareAnswers, CountsTheFourCases) {
    const Sheets s = three_categories();
    const AccuracyComparison c = compare_answers(s.candidate, s.original, s.cluster, 3);
    EXPECT_EQ(c.answers.both, 60u);
    EXPECT_EQ(c.answers.only_candidate, 3u);
    EXPECT_EQ(c.answers.only_original, 21u);
    EXPECT_EQ(c.answers.neither, 15u);
    EXPECT_EQ(c.answers.n(), 99u);
    EXPECT_DOUBLE_EQ(c.difference.value, c.candidate.value - c.original.value);
    EXPECT_DOUBLE_EQ(c.difference.value, -18.0 / 99);
}

TEST(CompareAnswers, DecidesByTheMidPValue) {
    const Sheets s = three_categories();
    EXPECT_TRUE(compare_answers(s.candidate, s.original, s.cluster, 3).decided);
    Sheets borderline;  // 1 against 7: exact 0.070, mid-p 0.039
    borderline.add(1, 1, 0, 0);
    borderline.add(7, 0, 1, 0);
    const auto c =
        compare_answers(borderline.candidate, borderline.original, borderline.cluster, 1);
    EXPECT_GT(c.p_exact, 0.05);
    EXPECT_TRUE(c.decided);
}

TEST(CompareAnswers, TakesItsClusteredFiguresFromTheSumsOfCategories) {
    const Sheets s = three_categories();
    const AccuracyComparison c = compare_answers(s.candidate, s.original, s.cluster, 3);
    const std::vector<double> candidate = {21, 21, 21}, original = {26, 27, 28};
    const std::vector<double> counts = {32, 33, 34};
    EXPECT_DOUBLE_EQ(c.clustered_difference.low,
                     compare_paired(candidate, original, counts).difference.low);
    EXPECT_DOUBLE_EQ(c.clustered_error_increase.value, c.error_increase.value);
    EXPECT_TRUE(c.clustered_error_increase.has_interval());
}

TEST(CompareAnswers, OfIdenticalSheetsFindsNothing) {
    const Sheets s = three_categories();
    const AccuracyComparison c = compare_answers(s.original, s.original, s.cluster, 3);
    EXPECT_EQ(c.difference.value, 0.0);
    EXPECT_EQ(c.error_increase.value, 0.0);
    EXPECT_EQ(c.p_exact, 1.0);
    EXPECT_FALSE(c.decided);
}

TEST(CompareAnswers, OfNothingHasNoNumbers) {
    const AccuracyComparison c = compare_answers({}, {}, {}, 0);
    EXPECT_TRUE(std::isnan(c.difference.value));
    EXPECT_TRUE(std::isnan(c.error_increase.value));
    EXPECT_FALSE(c.decided);
}

TEST(CompareAnswers, RefusesSheetsOfDifferentLength) {
    const std::vector<uint8_t> two = {1, 0}, one = {1};
    const std::vector<uint32_t> cluster = {0, 0};
    EXPECT_THROW(compare_answers(two, one, cluster, 1), Error);
    EXPECT_THROW(compare_answers(two, two, cluster, 1, 0.0), Error);
}

}  // namespace
}  // namespace bitgauge
