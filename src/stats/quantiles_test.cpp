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
        const auto quantiles = clustered_quantiles(sample, cluster, 3, kShares, 1, 20);
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

TEST(ClusteredQuantiles, ResampleWholeClusters) {
    // Two clusters, each constant: a resample's median is 1, 2 or, mixed, 1.5; all occur.
    const std::vector<float> values = {1, 1, 2, 2};
    const std::vector<uint32_t> cluster = {0, 0, 1, 1};
    const auto median = clustered_quantiles(values, cluster, 2, std::array{0.5})[0];
    EXPECT_DOUBLE_EQ(median.value, 1.5);
    EXPECT_DOUBLE_EQ(median.low, 1.0);
    EXPECT_DOUBLE_EQ(median.high, 2.0);
}

TEST(ClusteredQuantiles, OfSingleValuesMatchTheOrderStatisticInterval) {
    // 1 ... 1001, one each: the median's 95 % interval is 501 +- 1.96 sqrt(1001) / 2 = 470 ... 532.
    std::vector<float> values(1001);
    std::iota(values.begin(), values.end(), 1.0f);
    std::vector<uint32_t> cluster(1001);
    std::iota(cluster.begin(), cluster.end(), 0u);
    const auto median = clustered_quantiles(values, cluster, 1001, std::array{0.5}, 7, 4000)[0];
    EXPECT_EQ(median.value, 501.0);
    EXPECT_NEAR(median.low, 470, 4);
    EXPECT_NEAR(median.high, 532, 4);
}

TEST(ClusteredQuantiles, AreTheSameForTheSameSeed) {
    const auto corpus = stats::simulate_corpus({.documents = 10, .median_length = 50}, 1);
    const auto once = clustered_quantiles(corpus.values, corpus.cluster, 10, kShares, 5);
    const auto again = clustered_quantiles(corpus.values, corpus.cluster, 10, kShares, 5);
    for (size_t k = 0; k < kShares.size(); ++k) {
        EXPECT_EQ(once[k].low, again[k].low);
        EXPECT_EQ(once[k].high, again[k].high);
    }
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
