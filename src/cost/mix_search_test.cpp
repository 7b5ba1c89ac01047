// Found mixes against all choices of small random problems.

#include "cost/mix_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr uint64_t kProblems = 500;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Small {
    MixItems items;
    double norm = 1;
    uint64_t bytes = 0;
};

struct Kind {
    bool switching = false;
    size_t pools = 0;
    size_t strata = 1;  // more than one: the worst counts
};

// Errors fall with bits, sensitivities differ by two orders of magnitude, sizes by one.
Small small_problem(uint64_t seed, const Kind& kind) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> one(0, 1);
    Small small{.norm = 1 + one(random)};
    MixItems& mix = small.items;
    const size_t tensors = 4 + random() % 3, types = 3 + random() % 2;
    double least = 0, most = 0;
    for (size_t i = 0; i < tensors; ++i) {
        const auto weights = static_cast<uint64_t>(1000 * std::pow(10, one(random)));
        const double smooth = std::pow(10, 2 * one(random) - 2);
        const double switching = kind.switching ? std::pow(10, 2 * one(random) - 3) : 0;
        std::vector<double> factors;
        for (size_t d = 0; d < kind.strata; ++d)
            factors.push_back(kind.strata > 1 ? 2 * one(random) : 1);
        PlanItem item{.name = std::to_string(i)};
        mix.smooth.emplace_back();
        mix.switching.emplace_back();
        for (size_t o = 0; o < types; ++o) {
            const double bits = 2 + 2 * static_cast<double>(o) + one(random);
            const double error = std::pow(4, -bits) * (1 + one(random));
            const auto bytes = static_cast<uint64_t>(static_cast<double>(weights) * bits / 8);
            PlanOption option{std::to_string(o), bytes, factors, {}};
            for (size_t m = 0; m < kind.pools; ++m) {
                option.use.push_back(i % kind.pools == m ? static_cast<double>(bytes) : 0.0);
            }
            item.options.push_back(option);
            mix.smooth.back().push_back(smooth * error);
            mix.switching.back().push_back(std::pow(switching * std::sqrt(error), small.norm));
        }
        least += static_cast<double>(item.options.front().bytes);
        most += static_cast<double>(item.options.back().bytes);
        mix.items.push_back(std::move(item));
        mix.members.push_back({i});
    }
    mix.aim.worst_domain = kind.strata > 1;
    for (size_t m = 0; m < kind.pools; ++m) {
        mix.pools.push_back({std::to_string(m), least * (0.4 + 0.8 * one(random))});
    }
    small.bytes = static_cast<uint64_t>(least + (most - least) * one(random));
    return small;
}

// --- all choices, told plainly ------------------------------------------------------------------

// D, or that of the worst stratum, each tensor weighed by its factor there.
double disturbance(const Small& small, const std::vector<uint32_t>& choice) {
    double worst = 0;
    for (size_t d = 0; d < small.items.items[0].options[0].cost.size(); ++d) {
        double smooth = 0, power = 0;
        for (size_t i = 0; i < choice.size(); ++i) {
            const double factor = small.items.items[i].options[choice[i]].cost[d];
            smooth += factor * small.items.smooth[i][choice[i]];
            power += factor * small.items.switching[i][choice[i]];
        }
        worst = std::max(worst, smooth + std::pow(power, 1 / small.norm));
    }
    return worst;
}

uint64_t bytes_of(const Small& small, const std::vector<uint32_t>& choice) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < choice.size(); ++i) {
        bytes += small.items.items[i].options[choice[i]].bytes;
    }
    return bytes;
}

bool is_within(const Small& small, const std::vector<uint32_t>& choice) {
    if (bytes_of(small, choice) > small.bytes) return false;
    for (size_t m = 0; m < small.items.pools.size(); ++m) {
        double use = 0;
        for (size_t i = 0; i < choice.size(); ++i) {
            use += small.items.items[i].options[choice[i]].use[m];
        }
        if (use > small.items.pools[m].limit) return false;
    }
    return true;
}

double optimum(const Small& small) {
    std::vector<uint32_t> choice(small.items.items.size(), 0);
    double least = kInfinity;
    for (size_t i = 0; i < choice.size();) {
        if (is_within(small, choice)) least = std::min(least, disturbance(small, choice));
        for (i = 0; i < choice.size() && ++choice[i] == small.items.items[i].options.size(); ++i)
            choice[i] = 0;
    }
    return least;
}

// --- the comparison -----------------------------------------------------------------------------

struct Excess {
    double largest = 0, mean = 0, gap = 0;
    int exact = 0, compared = 0;
};

// Over the optimum, relative; budgets and bound are expected to hold for each problem.
void compare(const Small& small, Excess& excess) {
    const double least = optimum(small);
    const MixSearch search(small.items, small.norm);
    if (!std::isfinite(least)) {
        EXPECT_THROW(search.for_bytes(small.bytes), Error);
        return;
    }
    const FoundMix found = search.for_bytes(small.bytes);
    EXPECT_TRUE(is_within(small, found.choice));
    EXPECT_EQ(found.bytes, bytes_of(small, found.choice));
    EXPECT_NEAR(found.disturbance, disturbance(small, found.choice), 1e-12 * found.disturbance);
    EXPECT_GE(found.disturbance, least * (1 - 1e-12));
    EXPECT_LE(found.disturbance / (1 + found.gap), least * (1 + 1e-9));
    const double over = found.disturbance / least - 1;
    excess.largest = std::max(excess.largest, over);
    excess.gap = std::max(excess.gap, found.gap);
    excess.mean += over;
    excess.exact += over < 1e-12 ? 1 : 0;
    excess.compared += 1;
}

Excess excess_of(const Kind& kind) {
    Excess excess;
    for (uint64_t seed = 0; seed < kProblems; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        compare(small_problem(seed, kind), excess);
    }
    excess.mean /= excess.compared;
    testing::Test::RecordProperty("largest_excess", std::to_string(excess.largest));
    testing::Test::RecordProperty("mean_excess", std::to_string(excess.mean));
    testing::Test::RecordProperty("exact_of_" + std::to_string(excess.compared), excess.exact);
    testing::Test::RecordProperty("largest_gap", std::to_string(excess.gap));
    return excess;
}

TEST(MixSearchTwin, SmoothProblemsAreSolvedExactly) {
    const Excess excess = excess_of({});
    EXPECT_EQ(excess.exact, excess.compared);
}

TEST(MixSearchTwin, SwitchingProblemsWithinOnePercent) {
    const Excess excess = excess_of({.switching = true});
    EXPECT_LE(excess.largest, 0.01);
    EXPECT_LE(excess.gap, 0.01);  // what it claims by itself
}

TEST(MixSearchTwin, PoolsAreKept) {
    const Excess excess = excess_of({.switching = true, .pools = 2});
    EXPECT_LE(excess.largest, 0.01);
    EXPECT_GT(excess.compared, 100);
}

TEST(MixSearchTwin, TheWorstStratumOfSmoothProblems) {
    const Excess excess = excess_of({.strata = 3});
    EXPECT_LE(excess.largest, 1e-6);
}

TEST(MixSearchTwin, TheWorstStratumOfSwitchingProblemsWithinOnePercent) {
    EXPECT_LE(excess_of({.switching = true, .strata = 3}).largest, 0.01);
}

// --- what else it says --------------------------------------------------------------------------

TEST(MixSearch, WithoutAChoiceThereIsNoGap) {
    Small small = small_problem(1, {.switching = true});
    for (size_t i = 0; i < small.items.items.size(); ++i) {
        small.items.items[i].options.resize(1);
        small.items.smooth[i].resize(1);
        small.items.switching[i].resize(1);
    }
    const FoundMix found = MixSearch(small.items, small.norm).for_bytes(1'000'000);
    EXPECT_NEAR(found.disturbance, disturbance(small, found.choice), 1e-12);
    EXPECT_LT(found.gap, 1e-9);
}

TEST(MixSearch, UpgradesFitAndGain) {
    for (const size_t strata : {1U, 2U}) {
        const Small small = small_problem(3, {.switching = true, .pools = 2, .strata = strata});
        const MixSearch search(small.items, small.norm);
        const FoundMix found = search.for_bytes(small.bytes);
        uint64_t bytes = 0;
        for (const PlanUpgrade& upgrade : search.upgrades(found, 3000)) {
            EXPECT_GT(upgrade.gain, 0);
            EXPECT_LT(upgrade.gain, found.disturbance);
            bytes += upgrade.bytes;
        }
        EXPECT_LE(bytes, 3000U);
    }
}

}  // namespace
}  // namespace bitgauge
