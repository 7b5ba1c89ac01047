#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/stats.h"

#include "stats/ratio.h"

namespace bitgauge {
namespace {

using Series = std::vector<double>;

TEST(ClusteredMean, IsTheMeanPerPosition) {
    EXPECT_DOUBLE_EQ(clustered_mean(Series{2, 9}, Series{1, 3}).value, 11.0 / 4);
}

TEST(ClusteredMean, OfOnePositionPerClusterHasStudentsInterval) {
    // 1 ... 5: mean 3, standard error sqrt(2.5 / 5), t_4(97.5 %) = 2.776445; no skewness, no tails.
    const Series counts(5, 1.0);
    const Estimate mean = clustered_mean(Series{1, 2, 3, 4, 5}, counts);
    EXPECT_DOUBLE_EQ(mean.value, 3.0);
    EXPECT_NEAR(mean.low, 3 - 2.776445 * std::sqrt(0.5), 1e-5);
    EXPECT_NEAR(mean.high, 3 + 2.776445 * std::sqrt(0.5), 1e-5);
}

TEST(ClusteredMean, LeansTowardsTheLongTail) {
    const Estimate mean = clustered_mean(Series{1, 1, 1, 1, 1, 1, 1, 9}, Series(8, 1.0));
    EXPECT_GT(mean.high - mean.value, 1.5 * (mean.value - mean.low));
}

TEST(ClusteredMean, OfNonNegativeSumsHasANonNegativeInterval) {
    EXPECT_EQ(clustered_mean(Series{0, 3}, Series{1, 1}).low, 0.0);
    EXPECT_LT(clustered_mean(Series{-1, 3}, Series{1, 1}).low, 0.0);
}

TEST(ClusteredMean, IgnoresClustersWithoutACount) {
    const Estimate with = clustered_mean(Series{1, 0, 2, 4}, Series{1, 0, 1, 1});
    const Estimate without = clustered_mean(Series{1, 2, 4}, Series{1, 1, 1});
    EXPECT_EQ(with.value, without.value);
    EXPECT_EQ(with.low, without.low);
    EXPECT_EQ(with.high, without.high);
}

TEST(ClusteredMean, OfOneClusterHasNoInterval) {
    const Estimate mean = clustered_mean(Series{3, 0}, Series{2, 0});
    EXPECT_EQ(mean.value, 1.5);
    EXPECT_FALSE(mean.has_interval());
}

TEST(ClusteredMean, OfNothingHasNoValue) {
    EXPECT_TRUE(std::isnan(clustered_mean(Series{}, Series{}).value));
    EXPECT_TRUE(std::isnan(clustered_mean(Series{0}, Series{0}).value));
}

TEST(ClusteredMean, OfEqualClustersHasAnIntervalOfNoWidth) {
    const Estimate mean = clustered_mean(Series{2, 4, 6}, Series{1, 2, 3});
    EXPECT_EQ(mean.low, 2.0);
    EXPECT_EQ(mean.high, 2.0);
}

TEST(ClusteredMean, ScalesWithItsUnit) {
    const Series counts(4, 1.0), sums = {3, 4, 3, 3.5}, tiny = {3e-20, 4e-20, 3e-20, 3.5e-20};
    const Estimate a = clustered_mean(sums, counts), b = clustered_mean(tiny, counts);
    EXPECT_NEAR(b.low / a.low, 1e-20, 1e-30);
    EXPECT_NEAR(b.high / a.high, 1e-20, 1e-30);
}

TEST(ClusteredMean, DoesNotGainFromPositionsThatRepeatTheirCluster) {
    // Ten equal copies of each position tell nothing new.
    const Estimate once = clustered_mean(Series{1, 2, 4, 3}, Series(4, 1.0));
    const Estimate copied = clustered_mean(Series{10, 20, 40, 30}, Series(4, 10.0));
    EXPECT_NEAR(once.high - once.low, copied.high - copied.low, 1e-12);
}

TEST(ClusteredExpMean, IsTheExponentialOfTheMeanAndItsBounds) {
    const Series sums = {2.0, 4.5, 7.1}, counts = {1, 2, 3};
    const Estimate mean = clustered_mean(sums, counts), exp = clustered_exp_mean(sums, counts);
    EXPECT_DOUBLE_EQ(exp.value, std::exp(mean.value));
    EXPECT_DOUBLE_EQ(exp.low, std::exp(mean.low));
    EXPECT_DOUBLE_EQ(exp.high, std::exp(mean.high));
}

TEST(ClusteredRootMean, IsTheRootOfTheMeanOfSquares) {
    const Estimate root = clustered_root_mean(Series{9, 16, 25}, Series{1, 1, 1});
    EXPECT_DOUBLE_EQ(root.value, std::sqrt(50.0 / 3));
    EXPECT_GE(root.low, 0.0);
    EXPECT_FALSE(clustered_root_mean(Series{9}, Series{1}).has_interval());
}

TEST(RatioFit, HasTheUsualDegreesOfFreedomForEqualClustersWithoutTails) {
    const auto fit = stats::fit_ratio(Series{1, 2, 3, 4, 5}, Series(5, 1.0));
    EXPECT_NEAR(fit.degrees, 4.0, 1e-12);
    EXPECT_NEAR(fit.skewness, 0.0, 1e-12);
}

TEST(RatioFit, LosesDegreesOfFreedomToUnequalClustersAndHeavyTails) {
    const auto even = stats::fit_ratio(Series{1, 2, 3, 4, 5, 6}, Series(6, 1.0));
    const auto uneven = stats::fit_ratio(Series{1, 2, 3, 4, 5, 60}, Series{1, 1, 1, 1, 1, 10});
    const auto tailed = stats::fit_ratio(Series{1, 2, 3, 4, 5, 60}, Series(6, 1.0));
    EXPECT_LT(uneven.degrees, even.degrees / 2);
    EXPECT_LT(tailed.degrees, even.degrees);
}

}  // namespace
}  // namespace bitgauge
