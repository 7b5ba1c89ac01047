// A model of 733 tensors and 20 types: how near to the best its plans are.

#include <algorithm>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "bitgauge/plan.h"

#include "plan/large_model.h"

namespace bitgauge {
namespace {

constexpr double kSizes[] = {2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4, 4.5, 5, 5.5, 6.5};

uint64_t bytes_of(double bits_per_weight) {
    return static_cast<uint64_t>(34'660'610'688 * bits_per_weight / 8);
}

TEST(LargeModel, HasTheTensorsAndTheSizeOfQwen35_35B) {
    const auto items = large_model(1);
    EXPECT_EQ(items.size(), 733u);
    uint64_t bf16_and_f32 = 0;
    for (const auto& item : items) bf16_and_f32 += item.options.front().bytes;
    // 64.602 GiB is published for the file; 10 MiB of it are header and vocabulary.
    EXPECT_NEAR(static_cast<double>(bf16_and_f32) / 0x1p30, 64.602, 0.02);
}

TEST(LargeModel, IsPlannedToTheOptimumAtTwelveSizes) {
    const PlanFrontier frontier(large_model(1));
    double before = frontier.at(frontier.smallest_bytes()).cost;
    for (const double size : kSizes) {
        const auto s = frontier.at(bytes_of(size));
        EXPECT_LE(s.bytes, bytes_of(size));
        EXPECT_LT(s.gap, 6e-4);
        EXPECT_TRUE(s.optimal) << size;
        EXPECT_LT(s.cost, before);
        before = s.cost;
    }
}

TEST(LargeModel, NeedsForACostAboutTheSizeThatHasIt) {
    const auto items = large_model(1);
    const PlanFrontier frontier(items);
    for (const double size : {2.5, 4.5}) {
        const auto there = frontier.at(bytes_of(size));
        const auto back = plan_size(items, there.cost);
        EXPECT_LE(back.cost, there.cost * (1 + 1e-12));
        EXPECT_LE(back.bytes, there.bytes);
        EXPECT_GE(static_cast<double>(back.bytes), 0.9999 * static_cast<double>(there.bytes));
        EXPECT_LT(back.gap, 1e-4);
    }
}

TEST(LargeModel, OnTwoDevicesWithASpeedIsPlannedNearTheBound) {
    const auto items = on_two_devices(large_model(1));
    const PlanBudget budget{bytes_of(4.5), {{"gpu", 12e9}, {"cpu", 9e9}, {"seconds", 1 / 150.}}};
    const auto s = plan_cost(items, budget);
    EXPECT_LT(s.gap, 1.5e-3);
    EXPECT_LE(s.bytes, budget.bytes);
    for (size_t m = 0; m < 3; ++m) EXPECT_LE(s.uses[m], budget.limits[m].limit * (1 + 1e-12));
    EXPECT_GT(s.byte_price, 0);
    EXPECT_GT(s.limit_prices[0], 0);
    EXPECT_GT(s.limit_prices[2], 0);
}

TEST(LargeModel, ForTheWorstOfFourDomainsIsPlannedNearTheBound) {
    const auto items = large_model(2, 4);
    const PlanBudget budget{bytes_of(3.5)};
    const auto worst = plan_cost(items, budget, {.worst_domain = true});
    EXPECT_LT(worst.gap, 5e-4);
    EXPECT_DOUBLE_EQ(worst.cost, *std::max_element(worst.costs.begin(), worst.costs.end()));
    const auto mean = plan_cost(items, budget);
    EXPECT_LT(worst.cost, *std::max_element(mean.costs.begin(), mean.costs.end()));
    const double weights = std::accumulate(worst.weights.begin(), worst.weights.end(), 0.0);
    EXPECT_NEAR(weights, 1, 1e-12);
}

TEST(LargeModel, IsPlannedAlikeInAnyOrder) {
    auto items = large_model(1);
    const double cost = plan_cost(items, {bytes_of(3)}).cost;
    std::shuffle(items.begin(), items.end(), std::mt19937_64(7));
    EXPECT_EQ(plan_cost(items, {bytes_of(3)}).cost, cost);
}

}  // namespace
}  // namespace bitgauge
