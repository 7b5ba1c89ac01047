#include <algorithm>
#include <cmath>
#include <rapidcheck.h>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/stats.h"

#include "stats/simulation.h"

namespace bitgauge {
namespace {

using Series = std::vector<double>;

TEST(ComparePaired, MatchesStudentsPairedTest) {
    // Differences 1 ... 5: t = 3 / sqrt(0.5) = 4.242641, 4 degrees: p = 0.013235 (two-sided).
    const Series zero(5, 0.0), counts(5, 1.0);
    const auto c = compare_paired(Series{1, 2, 3, 4, 5}, zero, counts);
    EXPECT_DOUBLE_EQ(c.difference.value, 3.0);
    EXPECT_NEAR(c.difference.low, 3 - 2.776445 * std::sqrt(0.5), 1e-5);
    EXPECT_NEAR(c.p_value, 0.013235, 1e-5);
}

TEST(ComparePaired, IsAntisymmetric) {
    const Series a = {1, 4, 2, 8}, b = {2, 3, 1, 3}, counts = {3, 5, 2, 8};
    const auto ab = compare_paired(a, b, counts), ba = compare_paired(b, a, counts);
    EXPECT_DOUBLE_EQ(ab.difference.value, -ba.difference.value);
    EXPECT_DOUBLE_EQ(ab.difference.low, -ba.difference.high);
    EXPECT_DOUBLE_EQ(ab.ratio.low, 1 / ba.ratio.high);
    EXPECT_DOUBLE_EQ(ab.p_value, ba.p_value);
}

TEST(ComparePaired, DecidesAConstantRatioHoweverMuchDocumentsDiffer) {
    const Series b = {1, 100, 3, 50, 7, 2}, counts(6, 1.0);
    Series a;
    for (size_t i = 0; i < b.size(); ++i) a.push_back(b[i] * (i % 2 == 0 ? 1.29 : 1.31));
    const auto c = compare_paired(a, b, counts);
    EXPECT_NEAR(c.ratio.value, 1.31, 0.01);
    EXPECT_LT(c.p_value, 0.001);
    EXPECT_LT(c.difference.low, c.difference.value / 2);
}

TEST(ComparePaired, OfASeriesWithANegativeSumHasNoRatio) {
    const auto c = compare_paired(Series{1, -2, 3}, Series{1, 1, 1}, Series(3, 1.0));
    EXPECT_TRUE(std::isnan(c.ratio.value));
    EXPECT_LT(c.p_value, 1.0);
}

TEST(ComparePaired, HasAPValueThatAgreesWithTheIntervalOfTheRatio) {
    EXPECT_TRUE(rc::check([](const std::vector<uint8_t>& values) {
        RC_PRE(values.size() >= 2u);
        const Series a(values.begin(), values.end()), b(values.size(), 100.0);
        RC_PRE(std::any_of(a.begin(), a.end(), [](double x) { return x > 0; }));
        const Series counts(values.size(), 1.0);
        const auto c = compare_paired(a, b, counts, 0.99);
        const bool excludes_one = c.ratio.low > 1 || c.ratio.high < 1;
        if (std::abs(c.p_value - 0.01) > 1e-9) RC_ASSERT(excludes_one == (c.p_value < 0.01));
    }));
}

TEST(ComparePaired, OfIdenticalFilesIsACertainTie) {
    const Series a = {1, 2, 3};
    const auto c = compare_paired(a, a, Series(3, 1.0));
    EXPECT_EQ(c.difference.low, 0.0);
    EXPECT_EQ(c.difference.high, 0.0);
    EXPECT_EQ(c.p_value, 1.0);
}

TEST(ComparePaired, OfOneClusterDecidesNothing) {
    const auto c = compare_paired(Series{5}, Series{1}, Series{1});
    EXPECT_EQ(c.difference.value, 4.0);
    EXPECT_FALSE(c.difference.has_interval());
    EXPECT_EQ(c.p_value, 1.0);
}

// Candidates whose cluster means are `base` plus a small fixed scatter of its own.
std::vector<Series> candidates(const std::vector<double>& bases, double scatter) {
    std::vector<Series> sums;
    for (size_t c = 0; c < bases.size(); ++c) {
        Series series;
        for (size_t d = 0; d < 40; ++d)
            series.push_back(bases[c] + scatter * std::sin(1.7 * static_cast<double>(d * (c + 2))));
        sums.push_back(series);
    }
    return sums;
}

const Series kCounts(40, 1.0);

TEST(RanksWithTies, FollowTheMeansWhenAllIsDecided) {
    const auto sums = candidates({3, 1, 2}, 0.01);
    EXPECT_EQ(ranks_with_ties(sums, kCounts), (std::vector<int>{3, 1, 2}));
}

TEST(RanksWithTies, AreAllOneWhenNothingIsDecided) {
    const auto sums = candidates({1.000, 1.001, 1.002}, 1.0);
    EXPECT_EQ(ranks_with_ties(sums, kCounts), (std::vector<int>{1, 1, 1}));
}

TEST(RanksWithTies, SkipThePlacesOfTiedFiles) {
    const auto sums = candidates({1, 1, 2}, 0.1);
    EXPECT_EQ(ranks_with_ties(sums, kCounts), (std::vector<int>{1, 1, 3}));
}

TEST(RanksWithTies, CountOnlyTheFilesDecidedToBeBetter) {
    // First and second, second and third too close; first and third apart.
    const auto sums = candidates({1.0, 1.03, 1.06}, 0.1);
    EXPECT_EQ(ranks_with_ties(sums, kCounts, 0.01), (std::vector<int>{1, 1, 2}));
}

TEST(DecidedPairs, AreThoseThatRanksCount) {
    const auto pairs = decided_pairs(candidates({1.0, 1.03, 1.06}, 0.1), kCounts, 0.01);
    ASSERT_EQ(pairs.size(), 1U);
    EXPECT_EQ(pairs[0].lower, 0U);
    EXPECT_EQ(pairs[0].higher, 2U);
}

TEST(RanksWithTies, OfOneFileOrNoneAreTrivial) {
    EXPECT_EQ(ranks_with_ties(candidates({1}, 0.1), kCounts), (std::vector<int>{1}));
    EXPECT_TRUE(ranks_with_ties({}, kCounts).empty());
}

TEST(RanksWithTies, OfOneClusterAreAllOne) {
    const std::vector<Series> sums = {{1}, {5}};
    EXPECT_EQ(ranks_with_ties(sums, Series{1}), (std::vector<int>{1, 1}));
}

TEST(DecideRanking, SettlesWellSeparatedFiles) {
    const auto decision = decide_ranking(candidates({3, 1, 2}, 0.01), kCounts, {});
    EXPECT_TRUE(decision.settled);
    EXPECT_EQ(decision.ranks, (std::vector<int>{3, 1, 2}));
    EXPECT_EQ(decision.undecided_pairs, 0);
}

TEST(DecideRanking, SettlesIdenticalFilesAsATie) {
    const Series series = candidates({1}, 0.5)[0];
    const std::vector<Series> sums = {series, series};
    const auto decision = decide_ranking(sums, kCounts, {});
    EXPECT_TRUE(decision.settled);
    EXPECT_EQ(decision.ranks, (std::vector<int>{1, 1}));
}

TEST(DecideRanking, LeavesOpenWhatIsNeitherApartNorWithinTheMargin) {
    const auto decision = decide_ranking(candidates({1.0, 1.03, 9.0}, 0.5), kCounts, {});
    EXPECT_FALSE(decision.settled);
    EXPECT_EQ(decision.undecided_pairs, 1);
    EXPECT_EQ(decision.ranks, (std::vector<int>{1, 1, 3}));
}

TEST(DecideRanking, OfTooFewClustersIsNotSettled) {
    const std::vector<Series> sums = {{1}, {5}};
    EXPECT_FALSE(decide_ranking(sums, Series{1}, {}).settled);
}

TEST(DecideRanking, OfOneFileIsSettledAtOnce) {
    EXPECT_TRUE(decide_ranking(candidates({1}, 0.1), kCounts, {}).settled);
}

TEST(DecideRanking, NeedsMoreEvidenceTheMoreLooksArePlanned) {
    const auto sums = candidates({1.0, 1.055}, 0.1);
    SequentialPlan one{.looks = 1, .alpha = 0.05, .tie_margin = 0};
    SequentialPlan many{.looks = 10000, .alpha = 0.05, .tie_margin = 0};
    EXPECT_TRUE(decide_ranking(sums, kCounts, one).settled);
    EXPECT_FALSE(decide_ranking(sums, kCounts, many).settled);
}

}  // namespace
}  // namespace bitgauge
