// The contract of plan.h on problems small enough to be solved by hand.

#include "bitgauge/plan.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

PlanOption option(std::string type, uint64_t bytes, double cost, std::vector<double> use = {}) {
    return {std::move(type), bytes, {cost}, std::move(use)};
}

// Steps of a: 10 nats for 10 bytes, then 2 for 10; of b: 6 for 10.
std::vector<PlanItem> two_items() {
    return {{"a", {option("Q2", 10, 13), option("Q4", 20, 3), option("Q8", 30, 1)}},
            {"b", {option("Q2", 10, 7), option("Q4", 20, 1)}}};
}

std::string message_of(const auto& work, ErrorKind kind = ErrorKind::kInput) {
    try {
        work();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), kind);
        return std::string(error.what()) + " | " + error.hint();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

TEST(PlanCost, TakesTheSteepestStepsFirst) {
    const auto items = two_items();
    EXPECT_EQ(plan_cost(items, {20}).choice, (std::vector<uint32_t>{0, 0}));
    EXPECT_EQ(plan_cost(items, {30}).choice, (std::vector<uint32_t>{1, 0}));
    EXPECT_EQ(plan_cost(items, {40}).choice, (std::vector<uint32_t>{1, 1}));
    EXPECT_EQ(plan_cost(items, {50}).choice, (std::vector<uint32_t>{2, 1}));
}

TEST(PlanCost, BoundsWithTheStraightLineOfTheHull) {
    const auto s = plan_cost(two_items(), {35});
    EXPECT_EQ(s.bytes, 30u);
    EXPECT_DOUBLE_EQ(s.cost, 10);
    EXPECT_DOUBLE_EQ(s.bound, 10 - 0.6 * 5);
    EXPECT_DOUBLE_EQ(s.gap, 3.0 / 7);
    EXPECT_DOUBLE_EQ(s.byte_price, 0.6);
    EXPECT_TRUE(s.optimal);
}

TEST(PlanCost, TakesAnOptionOffTheHullWhereItFitsBest) {
    const std::vector<PlanItem> items = {
        {"a", {option("Q2", 0, 10), option("Q3", 4, 7), option("Q4", 10, 0)}}};
    const auto s = plan_cost(items, {9});
    EXPECT_EQ(items[0].options[s.choice[0]].type, "Q3");
    EXPECT_DOUBLE_EQ(s.cost, 7);
}

TEST(PlanCost, LeavesOutWhatAnotherOptionBeats) {
    const std::vector<PlanItem> items = {
        {"a", {option("dear", 10, 5), option("good", 10, 4), option("large", 11, 4)}}};
    EXPECT_EQ(plan_cost(items, {11}).choice[0], 1u);
    EXPECT_EQ(plan_cost(items, {}).choice[0], 1u);
}

TEST(PlanCost, OfAnItemWithOneOptionCountsItsBytesAndCost) {
    auto items = two_items();
    items.push_back({"pinned", {option("F32", 100, 0.5)}});
    const auto s = plan_cost(items, {140});
    EXPECT_EQ(s.choice[2], 0u);
    EXPECT_EQ(s.bytes, 140u);
    EXPECT_DOUBLE_EQ(s.cost, 4.5);
}

TEST(PlanCost, WithoutABudgetIsTheSmallestOfLeastCost) {
    const auto s = plan_cost(two_items(), {});
    EXPECT_EQ(s.bytes, 50u);
    EXPECT_DOUBLE_EQ(s.cost, 2);
    EXPECT_EQ(s.gap, 0);
    EXPECT_EQ(s.byte_price, 0);
}

TEST(PlanCost, OfCostsThatAreAllZeroHasNoGap) {
    const std::vector<PlanItem> items = {{"a", {option("Q2", 1, 0), option("Q4", 2, 0)}}};
    const auto s = plan_cost(items, {1});
    EXPECT_EQ(s.gap, 0);
    EXPECT_TRUE(s.optimal);
}

TEST(PlanCost, WeighsDomains) {
    const std::vector<PlanItem> items = {{"text", {{"Q2", 1, {4, 0}}, {"Q4", 2, {0, 0}}}},
                                         {"code", {{"Q2", 1, {0, 3}}, {"Q4", 2, {0, 0}}}}};
    EXPECT_EQ(plan_cost(items, {3}).choice, (std::vector<uint32_t>{1, 0}));
    const auto s = plan_cost(items, {3}, {.weights = {0.5, 2}});
    EXPECT_EQ(s.choice, (std::vector<uint32_t>{0, 1}));
    EXPECT_EQ(s.costs, (std::vector<double>{4, 0}));
    EXPECT_DOUBLE_EQ(s.cost, 2);
    EXPECT_EQ(s.weights, (std::vector<double>{0.5, 2}));
}

TEST(PlanCost, OfTheWorstDomainBalancesThem) {
    std::vector<PlanItem> items;
    for (int i = 0; i < 4; ++i)
        items.push_back({"t" + std::to_string(i),
                         {{"Q2", 1, {i < 2 ? 1.0 : 0.0, i < 2 ? 0.0 : 0.9}}, {"Q4", 2, {0, 0}}}});
    const auto sum = plan_cost(items, {6});
    EXPECT_EQ(sum.choice, (std::vector<uint32_t>{1, 1, 0, 0}));
    const auto worst = plan_cost(items, {6}, {.worst_domain = true});
    EXPECT_DOUBLE_EQ(worst.cost, 1);
    EXPECT_TRUE(worst.optimal);
    EXPECT_NEAR(worst.bound, 2 * 0.9 / 1.9, 1e-9);  // of x, 1 - x upgrades: 2 (1 - x) = 1.8 x
    EXPECT_NEAR(worst.weights[0], 0.9 / 1.9, 1e-9);
}

// Each fits on the GPU alone; both do not.
std::vector<PlanItem> on_devices() {
    const auto placed = [](double bytes, double cost_q2) {
        const auto size = static_cast<uint64_t>(bytes);
        return std::vector<PlanOption>{option("Q2 gpu", size, cost_q2, {bytes, 0}),
                                       option("Q2 cpu", size, cost_q2, {0, bytes}),
                                       option("Q4 gpu", 2 * size, 1, {2 * bytes, 0}),
                                       option("Q4 cpu", 2 * size, 1, {0, 2 * bytes})};
    };
    return {{"a", placed(10, 5)}, {"b", placed(10, 3)}};
}

TEST(PlanCost, KeepsTwoPools) {
    const PlanBudget budget{.limits = {{"gpu", 10}, {"cpu", 20}}};
    const auto s = plan_cost(on_devices(), budget);
    EXPECT_EQ(s.choice, (std::vector<uint32_t>{3, 0}));
    EXPECT_EQ(s.uses, (std::vector<double>{10, 20}));
    EXPECT_DOUBLE_EQ(s.cost, 4);
    EXPECT_LE(s.bound, s.cost);
}

TEST(PlanCost, WithAPoolOfNothingPutsAllElsewhere) {
    const PlanBudget budget{.limits = {{"gpu", 0}, {"cpu", 40}}};
    EXPECT_EQ(plan_cost(on_devices(), budget).choice, (std::vector<uint32_t>{3, 3}));
}

TEST(PlanCost, BelowTheSmallestSizeSaysTheRange) {
    EXPECT_EQ(
        message_of([] { plan_cost(two_items(), {19}); }),
        "a size of 19 B (19 bytes) is below the least that is possible, 20 B (20 bytes) | ask "
        "for a size from 20 B (20 bytes), the smallest possible, to 50 B (50 bytes), above "
        "which nothing gets better");
}

TEST(PlanCost, BelowTheLeastUseOfALimitSaysHowMuchIsNeeded) {
    auto items = on_devices();
    for (auto& item : items) item.options.resize(1);
    EXPECT_EQ(message_of([&] {
                  plan_cost(items, {.limits = {{"gpu", 15}, {"cpu", 0}}});
              }),
              "'gpu' of 15 is below the least that is possible, 20 | raise it to 20");
}

TEST(PlanCost, WhereLimitsContradictEachOtherSaysWhichToRaise) {
    EXPECT_EQ(message_of([] {
                  plan_cost(on_devices(), {.limits = {{"gpu", 5}, {"cpu", 10}}});
              }),
              "no choice keeps a size of 40 B (40 bytes) and 'gpu' of 5 and 'cpu' of 10 | make one "
              "of them larger: 'gpu' of 5 at least 10, or 'cpu' of 10 at least 20");
}

TEST(PlanCost, RefusesWhatIsNoNumberOrNoChoice) {
    const auto with = [](PlanOption bad) {
        return std::vector<PlanItem>{{"blk.0.attn_q", {option("Q2", 1, 1), std::move(bad)}}};
    };
    EXPECT_EQ(message_of([&] { plan_cost(with(option("Q4", 2, NAN)), {}); }, ErrorKind::kNotFinite),
              "the cost of 'blk.0.attn_q' as Q4 is nan | measure it again");
    EXPECT_EQ(message_of([&] { plan_cost(with(option("Q4", 2, -1)), {}); }),
              "the cost of 'blk.0.attn_q' as Q4 is -1; it must not be negative | ");
    EXPECT_EQ(message_of([&] {
                  plan_cost(with({"Q4", 2, {1, 2}}), {});
              }),
              "'blk.0.attn_q' as Q4 has costs for 2 domains, others for 1 | ");
    EXPECT_EQ(message_of([&] {
                  plan_cost(std::vector<PlanItem>{{"blk.0.attn_q", {}}}, {});
              }),
              "'blk.0.attn_q' has no type left to choose from | pins, minimum bits and allowed "
              "types contradict each other there");
    EXPECT_EQ(message_of([&] { plan_cost({}, {}); }), "there is nothing to choose a type for | ");
}

TEST(PlanSize, IsTheSmallestOfCostAtMostThat) {
    EXPECT_EQ(plan_size(two_items(), 20).bytes, 20u);
    EXPECT_EQ(plan_size(two_items(), 10).bytes, 30u);
    const auto s = plan_size(two_items(), 9);
    EXPECT_EQ(s.bytes, 40u);
    EXPECT_NEAR(s.bound, 30 + 1 / 0.6, 1e-9);
    EXPECT_DOUBLE_EQ(s.byte_price, 0.6);
    EXPECT_EQ(plan_size(two_items(), 2).bytes, 50u);
}

TEST(PlanSize, BelowTheLeastCostSaysTheRange) {
    EXPECT_EQ(message_of([] { plan_size(two_items(), 1.5); }),
              "a cost of 1.5 nats is below the least that is possible, 2 nats | allow at least 2 "
              "nats");
}

TEST(PlanSize, KeepsAPoolToo) {
    const PlanBudget budget{.limits = {{"gpu", 10}, {"cpu", 40}}};
    const auto s = plan_size(on_devices(), 4, budget);
    EXPECT_EQ(s.bytes, 30u);
    EXPECT_LE(s.uses[0], 10);
}

TEST(PlanFrontier, IsTheWholeCurve) {
    const PlanFrontier frontier(two_items());
    EXPECT_EQ(frontier.smallest_bytes(), 20u);
    EXPECT_EQ(frontier.largest_useful_bytes(), 50u);
    ASSERT_EQ(frontier.steps().size(), 3u);
    const PlanStep& second = frontier.steps()[1];
    EXPECT_EQ(second.item, 1u);
    EXPECT_EQ(second.to, 1u);
    EXPECT_EQ(second.bytes, 40u);
    EXPECT_DOUBLE_EQ(second.cost, 4);
    EXPECT_DOUBLE_EQ(second.price, 0.6);
    EXPECT_DOUBLE_EQ(frontier.bound_at(35), 7);
    EXPECT_EQ(frontier.at(1000).bytes, 50u);
    EXPECT_NE(message_of([&] { frontier.at(19); }).find("20 bytes"), std::string::npos);
}

TEST(NextUpgrades, AreWhatMoreBytesBuy) {
    const auto items = two_items();
    const auto upgrades = next_upgrades(items, plan_cost(items, {30}), 20);
    ASSERT_EQ(upgrades.size(), 2u);
    EXPECT_EQ(upgrades[0].item, 1u);
    EXPECT_DOUBLE_EQ(upgrades[0].gain, 6);
    EXPECT_EQ(upgrades[1].item, 0u);
    EXPECT_EQ(upgrades[1].bytes, 10u);
    EXPECT_EQ(next_upgrades(items, plan_cost(items, {30}), 19).size(), 1u);
    EXPECT_TRUE(next_upgrades(items, plan_cost(items, {50}), 1000).empty());
}

TEST(NextUpgrades, KeepLimits) {
    const std::vector<PlanLimit> limits = {{"gpu", 10}, {"cpu", 20}};
    const auto items = on_devices();
    const auto s = plan_cost(items, {.limits = limits});
    EXPECT_TRUE(next_upgrades(items, s, 1000, limits).empty());
}

TEST(TieItems, AddsUpOptionsOfTheSameType) {
    const std::vector<PlanItem> items = {
        {"gate", {option("Q2", 1, 5, {1}), option("Q4", 2, 3, {2}), option("Q8", 4, 1, {4})}},
        {"up", {option("Q8", 4, 2, {4}), option("Q2", 1, 6, {1})}}};
    const auto tied = tie_items("gate and up", items);
    ASSERT_EQ(tied.options.size(), 2u);
    EXPECT_EQ(tied.options[0].type, "Q2");
    EXPECT_EQ(tied.options[0].bytes, 2u);
    EXPECT_EQ(tied.options[1].cost, (std::vector<double>{3}));
    EXPECT_EQ(tied.options[1].use, (std::vector<double>{8}));
}

TEST(TieItems, OfItemsWithoutACommonTypeIsAnError) {
    const std::vector<PlanItem> items = {{"q", {option("Q2", 1, 1)}}, {"k", {option("Q4", 1, 1)}}};
    EXPECT_EQ(message_of([&] { tie_items("q and k", items); }),
              "the 2 of 'q and k' have no type in common | they must be quantized alike; allow one "
              "type for all of them");
}

}  // namespace
}  // namespace bitgauge
