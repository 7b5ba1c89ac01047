#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <rapidcheck.h>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/stats.h"

#include "stats/simulation.h"

namespace bitgauge {
namespace {

constexpr std::array<double, 5> kShares = {0.5, 0.9, 0.95, 0.99, 0.999};

std::vector<float> sorted_floats(const std::vector<int16_t>& values) {
    std::vector<float> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    return sorted;
}

TEST(QuantileOfSorted, InterpolatesBetweenOrderStatistics) {
    const std::vector<float> values = {1, 2, 4, 8};
    EXPECT_EQ(quantile_of_sorted(values, 0.0), 1.0);
    EXPECT_EQ(quantile_of_sorted(values, 1.0), 8.0);
    EXPECT_DOUBLE_EQ(quantile_of_sorted(values, 0.5), 3.0);   // position 1.5
    EXPECT_DOUBLE_EQ(quantile_of_sorted(values, 0.75), 5.0);  // position 2.25
}

TEST(QuantileOfSorted, OfOneValueIsThatValue) {
    EXPECT_EQ(quantile_of_sorted(std::vector<float>{3}, 0.999), 3.0);
}

TEST(QuantileOfSorted, RisesWithTheShareAndStaysInside) {
    EXPECT_TRUE(rc::check([](const std::vector<int16_t>& values) {
        RC_PRE(!values.empty());
        const auto sorted = sorted_floats(values);
        const double p = *rc::gen::inRange(0, 1001) / 1000.0;
        const double q = *rc::gen::inRange(0, 1001) / 1000.0;
        const double low = quantile_of_sorted(sorted, std::min(p, q));
        const double high = quantile_of_sorted(sorted, std::max(p, q));
        RC_ASSERT(low <= high);
        RC_ASSERT(sorted.front() <= low && high <= sorted.back());
    }));
}

TEST(ClusteredQuantiles, HaveThePointValuesOfTheSortedSample) {
    EXPECT_TRUE(rc::check([](const std::vector<int16_t>& values) {
        RC_PRE(!values.empty());
        const std::vector<float> sample(values.begin(), values.end());
        std::vector<uint32_t> cluster(sample.size());
        for (size_t i = 0; i < sample.size(); ++i) cluster[i] = static_cast<uint32_t>(i % 3);
        const auto quantiles = clustered_quantiles(sample, cluster, 3, kShares);
        const auto sorted = sorted_floats(values);
        for (size_t k = 0; k < kShares.size(); ++k) {
            RC_ASSERT(quantiles[k].value == quantile_of_sorted(sorted, kShares[k]));
            if (k > 0) RC_ASSERT(quantiles[k - 1].value <= quantiles[k].value);
            if (!quantiles[k].has_interval()) continue;
            RC_ASSERT(sorted.front() <= quantiles[k].low);
            RC_ASSERT(quantiles[k].low <= quantiles[k].high);
            RC_ASSERT(quantiles[k].high <= sorted.back());
        }
    }));
}

TEST(ClusteredQuantiles, AnswerInTheOrderAsked) {
    const std::vector<float> values = {5, 1, 3, 2, 4};
    const std::vector<uint32_t> cluster = {0, 0, 1, 1, 2};
    const auto quantiles = clustered_quantiles(values, cluster, 3, std::array{1.0, 0.0, 0.5});
    EXPECT_EQ(quantiles[0].value, 5.0);
    EXPECT_EQ(quantiles[1].value, 1.0);
    EXPECT_EQ(quantiles[2].value, 3.0);
}

TEST(ClusteredQuantiles, CountClustersNotValues) {
    // 40 clusters of 25 equal values are worth 40 values: 40 order statistics bound the median at
    // the 14th and the 27th [Clopper & Pearson 1934, n = 40, and a little more for t].
    std::vector<float> values;
    std::vector<uint32_t> cluster;
    for (uint32_t i = 0; i < 1000; ++i) {
        cluster.push_back(i / 25);
        values.push_back(static_cast<float>(i / 25 + 1));
    }
    const auto median = clustered_quantiles(values, cluster, 40, std::array{0.5})[0];
    EXPECT_DOUBLE_EQ(median.value, 20.5);
    EXPECT_NEAR(median.low, 14, 1);
    EXPECT_NEAR(median.high, 27, 1);
}

TEST(ClusteredQuantiles, BeyondWhatTheSampleBoundsHaveNoInterval) {
    // Of 1,000 independent values one lies above the 99.9 % quantile: none might as well have.
    std::vector<float> values(1000);
    std::iota(values.begin(), values.end(), 1.0f);
    std::vector<uint32_t> cluster(1000);
    std::iota(cluster.begin(), cluster.end(), 0u);
    const auto high = clustered_quantiles(values, cluster, 1000, std::array{0.99, 0.999});
    EXPECT_TRUE(high[0].has_interval());
    EXPECT_FALSE(high[1].has_interval());
    EXPECT_NEAR(high[1].value, 999, 1);
}

TEST(ClusteredQuantiles, OfSingleValuesMatchTheOrderStatisticInterval) {
    // 1 ... 1001, one each: the median's 95 % interval is 501 +- 1.96 sqrt(1001) / 2 = 470 ... 532.
    std::vector<float> values(1001);
    std::iota(values.begin(), values.end(), 1.0f);
    std::vector<uint32_t> cluster(1001);
    std::iota(cluster.begin(), cluster.end(), 0u);
    const auto median = clustered_quantiles(values, cluster, 1001, std::array{0.5})[0];
    EXPECT_EQ(median.value, 501.0);
    EXPECT_NEAR(median.low, 470, 4);
    EXPECT_NEAR(median.high, 532, 4);
}

TEST(ClusteredQuantiles, OfOneClusterHaveNoInterval) {
    const auto median = clustered_quantiles(std::vector<float>{1, 2, 3},
                                            std::vector<uint32_t>{4, 4, 4}, 9, std::array{0.5})[0];
    EXPECT_EQ(median.value, 2.0);
    EXPECT_FALSE(median.has_interval());
}

TEST(ClusteredQuantiles, OfNothingHaveNoValue) {
    const auto none = clustered_quantiles({}, {}, 3, std::array{0.5, 0.9});
    ASSERT_EQ(none.size(), 2u);
    EXPECT_TRUE(std::isnan(none[0].value));
    EXPECT_FALSE(none[0].has_interval());
}

TEST(ClusteredQuantiles, PutNegativeValuesBelowPositiveOnes) {
    const std::vector<float> values = {-2, 0.5f, -1e-6f, 3};
    const std::vector<uint32_t> cluster = {0, 1, 2, 3};
    const auto ends = clustered_quantiles(values, cluster, 4, std::array{0.0, 1.0});
    EXPECT_EQ(ends[0].value, -2.0);
    EXPECT_EQ(ends[1].value, 3.0);
}

}  // namespace
}  // namespace bitgauge
