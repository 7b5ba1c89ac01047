#include "bitgauge/accuracy.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/stats.h"

namespace bitgauge {
namespace {

// statsmodels 0.14, proportion_confint(successes, n, 1 - confidence, 'wilson'), and the same from
// scipy.stats.binomtest(successes, n).proportion_ci(confidence, 'wilson').
TEST(WilsonInterval, MatchesStatsmodelsAndScipy) {
    struct Row {
        uint64_t successes, n;
        double confidence, low, high;
    };
    for (const Row& row :
         {Row{807, 1000, 0.95, 0.781383383844143, 0.8302669864457263},
          Row{0, 10, 0.95, 0.0, 0.2775327998628892}, Row{10, 10, 0.95, 0.7224672001371107, 1.0},
          Row{3, 7, 0.99, 0.11637368051613817, 0.8102850959116124},
          Row{11425, 14042, 0.95, 0.8071043476181439, 0.8199851739191104}}) {
        const Estimate e = wilson_interval(row.successes, row.n, row.confidence);
        EXPECT_DOUBLE_EQ(e.value, static_cast<double>(row.successes) / static_cast<double>(row.n));
        EXPECT_NEAR(e.low, row.low, 1e-12);
        EXPECT_NEAR(e.high, row.high, 1e-12);
    }
}

// With z^2 = n: center = (share + 1/2) / 2, half width = sqrt(share (1 - share) + 1/4) / 2.
TEST(WilsonInterval, MatchesTheClosedFormWhereTheQuantileSquaredIsN) {
    const double confidence = std::erf(2 / std::sqrt(2.0));  // z = 2, so n = 4
    const Estimate e = wilson_interval(1, 4, confidence);
    EXPECT_NEAR(e.low, 0.375 - std::sqrt(0.4375) / 2, 1e-9);
    EXPECT_NEAR(e.high, 0.375 + std::sqrt(0.4375) / 2, 1e-9);
}

TEST(WilsonInterval, OfNoQuestionIsNoNumber) {
    EXPECT_TRUE(std::isnan(wilson_interval(0, 0).value));
}

TEST(WilsonInterval, RefusesWhatIsNoShare) {
    EXPECT_THROW(wilson_interval(11, 10), Error);
    EXPECT_THROW(wilson_interval(1, 10, 1.0), Error);
    EXPECT_THROW(wilson_interval(1, 10, std::nan("")), Error);
}

TEST(ClusteredAccuracy, IsTheClusteredMeanOfTheCategories) {
    const std::vector<uint8_t> right = {1, 1, 0, 1, 0, 0, 1, 1, 1};
    const std::vector<uint32_t> cluster = {0, 0, 0, 1, 1, 3, 3, 3, 3};
    const Estimate accuracy = clustered_accuracy(right, cluster, 4);
    const std::vector<double> sums = {2, 1, 0, 3}, counts = {3, 2, 0, 4};
    const Estimate mean = clustered_mean(sums, counts);
    EXPECT_DOUBLE_EQ(accuracy.value, 6.0 / 9);
    EXPECT_DOUBLE_EQ(accuracy.low, mean.low);
    EXPECT_LE(accuracy.high, 1.0);
}

TEST(ClusteredAccuracy, NeverLeavesTheUnitInterval) {
    const std::vector<uint8_t> right = {1, 1, 1, 1, 1, 1, 1, 0};
    const std::vector<uint32_t> cluster = {0, 0, 1, 1, 2, 2, 3, 3};
    const Estimate accuracy = clustered_accuracy(right, cluster, 4);
    EXPECT_EQ(accuracy.high, 1.0);
    EXPECT_GE(accuracy.low, 0.0);
}

TEST(ClusteredAccuracy, OfOneCategoryHasNoInterval) {
    const std::vector<uint8_t> right = {1, 0};
    const std::vector<uint32_t> cluster = {0, 0};
    EXPECT_EQ(clustered_accuracy(right, cluster, 1).value, 0.5);
    EXPECT_FALSE(clustered_accuracy(right, cluster, 1).has_interval());
}

TEST(ClusteredAccuracy, RefusesSpansThatDoNotFit) {
    const std::vector<uint8_t> right = {1, 0};
    EXPECT_THROW(clustered_accuracy(right, std::vector<uint32_t>{0}, 1), Error);
    EXPECT_THROW(clustered_accuracy(right, std::vector<uint32_t>{0, 1}, 1), Error);
}

TEST(ShareReaching, IsTheClusteredShareOfThoseAtTheLimit) {
    const std::vector<uint32_t> values{32, 31, 128, 5}, cluster{0, 0, 1, 1};
    const std::vector<uint8_t> reached{1, 0, 1, 0};
    EXPECT_EQ(share_reaching(values, 32, cluster, 2).value, 0.5);
    const std::vector<uint32_t> apart{0, 1, 2, 3};
    EXPECT_EQ(share_reaching(values, 32, apart, 4).low, clustered_accuracy(reached, apart, 4).low);
}

// Clusters that all agree: the interval is over values, and never empty.
TEST(ShareReaching, IsWilsonsWhereClustersDoNotDiffer) {
    const std::vector<uint32_t> values{9, 9, 9}, cluster{0, 1, 2};
    EXPECT_EQ(share_reaching(values, 9, cluster, 3).low, wilson_interval(3, 3).low);
}

TEST(MedianOf, IsBetweenTheTwoInTheMiddle) {
    EXPECT_EQ(median_of(std::vector<uint32_t>{9, 1, 4, 3}), 3.5);
    EXPECT_EQ(median_of(std::vector<uint32_t>{9, 1, 4}), 4);
    EXPECT_EQ(median_of({}), 0);
}

}  // namespace
}  // namespace bitgauge
