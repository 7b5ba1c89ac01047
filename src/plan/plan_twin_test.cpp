// Solutions against all choices of small random problems, and what must hold of any problem.

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <rapidcheck.h>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/plan.h"

namespace bitgauge {
namespace {

struct Small {
    std::vector<PlanItem> items;
    PlanBudget budget;
};

// Costs that mostly, but not always, fall with bytes: not convex, with ties and beaten options.
Small small_problem(uint64_t seed, size_t domains, size_t limits) {
    std::mt19937_64 random(seed);
    const auto draw = [&](uint64_t below) { return static_cast<double>(random() % below); };
    Small problem;
    const size_t items = 1 + random() % 6;
    for (size_t i = 0; i < items; ++i) {
        PlanItem item{.name = std::to_string(i)};
        const size_t options = 1 + random() % 5;
        for (size_t o = 0; o < options; ++o) {
            PlanOption option{std::to_string(o), static_cast<uint64_t>(10 + draw(90)), {}, {}};
            for (size_t d = 0; d < domains; ++d)
                option.cost.push_back((draw(40) + 400 / static_cast<double>(option.bytes)) / 8);
            for (size_t m = 0; m < limits; ++m) option.use.push_back(draw(50));
            item.options.push_back(std::move(option));
        }
        problem.items.push_back(std::move(item));
    }
    problem.budget.bytes = static_cast<uint64_t>(static_cast<double>(items) * (25 + draw(50)));
    for (size_t m = 0; m < limits; ++m)
        problem.budget.limits.push_back(
            {"limit " + std::to_string(m), static_cast<double>(items) * (8 + draw(30))});
    return problem;
}

struct Sums {
    uint64_t bytes = 0;
    std::vector<double> costs, uses;
};

Sums sums_of(const std::vector<PlanItem>& items, const std::vector<uint32_t>& choice,
             size_t limits) {
    Sums sums{0, std::vector<double>(items[0].options[0].cost.size()), std::vector<double>(limits)};
    for (size_t i = 0; i < items.size(); ++i) {
        const auto& option = items[i].options[choice[i]];
        sums.bytes += option.bytes;
        for (size_t d = 0; d < sums.costs.size(); ++d) sums.costs[d] += option.cost[d];
        for (size_t m = 0; m < limits; ++m) sums.uses[m] += option.use[m];
    }
    return sums;
}

bool within(const Sums& sums, const PlanBudget& budget) {
    if (sums.bytes > budget.bytes) return false;
    for (size_t m = 0; m < budget.limits.size(); ++m)
        if (sums.uses[m] > budget.limits[m].limit) return false;
    return true;
}

double mean(const std::vector<double>& costs) {
    return std::accumulate(costs.begin(), costs.end(), 0.0) / static_cast<double>(costs.size());
}

double worst(const std::vector<double>& costs) {
    return *std::max_element(costs.begin(), costs.end());
}

// The least of `value` over all choices it is not infinite for.
using Value = std::function<double(const Sums&)>;
double least_of_all(const Small& problem, const Value& value) {
    std::vector<uint32_t> choice(problem.items.size(), 0);
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < choice.size();) {
        least =
            std::min(least, value(sums_of(problem.items, choice, problem.budget.limits.size())));
        for (i = 0; i < choice.size() && ++choice[i] == problem.items[i].options.size(); ++i)
            choice[i] = 0;
    }
    return least;
}

std::optional<PlanSolution> planned(const auto& plan) {
    try {
        return plan();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return std::nullopt;
    }
}

// Against all choices: found where there is one, the best where it says so, never below its bound.
void expect_twin(const std::optional<PlanSolution>& solution, double found, double least) {
    ASSERT_EQ(solution.has_value(), std::isfinite(least));
    if (!solution) return;
    EXPECT_LE(solution->bound, least * (1 + 1e-9));
    EXPECT_GE(found, least * (1 - 1e-12));
    EXPECT_TRUE(solution->optimal || solution->gap <= 1e-6);  // small problems are searched through
    EXPECT_NEAR(found, least, (solution->optimal ? 1e-12 : 1e-6) * least);
}

void expect_cost_twin(uint64_t seed, size_t domains, size_t limits, bool worst_domain) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Small problem = small_problem(seed, domains, limits);
    const auto cost = [&](const Sums& s) { return worst_domain ? worst(s.costs) : mean(s.costs); };
    const double least = least_of_all(problem, [&](const Sums& s) {
        return within(s, problem.budget) ? cost(s) : std::numeric_limits<double>::infinity();
    });
    const auto solution = planned(
        [&] { return plan_cost(problem.items, problem.budget, {.worst_domain = worst_domain}); });
    expect_twin(solution, solution ? solution->cost : 0, least);
    if (!solution) return;
    const auto sums = sums_of(problem.items, solution->choice, limits);
    EXPECT_TRUE(within(sums, problem.budget));
    EXPECT_EQ(sums.bytes, solution->bytes);
    EXPECT_NEAR(cost(sums), solution->cost, 1e-12 * solution->cost);
}

void expect_size_twin(uint64_t seed, size_t domains, size_t limits, bool worst_domain) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Small problem = small_problem(seed, domains, limits);
    problem.budget.bytes = std::numeric_limits<uint64_t>::max();
    const double allowed = static_cast<double>(problem.items.size()) * 2.5;
    const double least = least_of_all(problem, [&](const Sums& s) {
        const double cost = worst_domain ? worst(s.costs) : mean(s.costs);
        return within(s, problem.budget) && cost <= allowed
                   ? static_cast<double>(s.bytes)
                   : std::numeric_limits<double>::infinity();
    });
    const auto solution = planned([&] {
        return plan_size(problem.items, allowed, problem.budget, {.worst_domain = worst_domain});
    });
    expect_twin(solution, solution ? static_cast<double>(solution->bytes) : 0, least);
    if (!solution) return;
    EXPECT_LE(solution->cost, allowed * (1 + 1e-12));
}

constexpr uint64_t kProblems = 300;

TEST(PlanCostTwin, WithASizeAlone) {
    for (uint64_t seed = 0; seed < kProblems; ++seed) expect_cost_twin(seed, 1, 0, false);
}

TEST(PlanCostTwin, WithTwoLimits) {
    for (uint64_t seed = 0; seed < kProblems; ++seed) expect_cost_twin(seed, 1, 2, false);
}

TEST(PlanCostTwin, WithTheSumOfDomains) {
    for (uint64_t seed = 0; seed < kProblems; ++seed) expect_cost_twin(seed, 3, 0, false);
}

TEST(PlanCostTwin, WithTheWorstDomain) {
    for (uint64_t seed = 0; seed < kProblems; ++seed) expect_cost_twin(seed, 3, 0, true);
}

TEST(PlanCostTwin, WithTheWorstDomainAndThreeLimits) {
    for (uint64_t seed = 0; seed < kProblems; ++seed) expect_cost_twin(seed, 2, 3, true);
}

TEST(PlanSizeTwin, WithACostAlone) {
    for (uint64_t seed = 0; seed < kProblems; ++seed) expect_size_twin(seed, 1, 0, false);
}

TEST(PlanSizeTwin, WithALimitAndTheWorstDomain) {
    for (uint64_t seed = 0; seed < kProblems; ++seed) expect_size_twin(seed, 2, 1, true);
}

TEST(PlanFrontierProperty, NeverRisesAndIsConvex) {
    EXPECT_TRUE(rc::check([](uint64_t seed) {
        const PlanFrontier frontier(small_problem(seed, 1, 0).items);
        const uint64_t first = frontier.smallest_bytes(), last = frontier.largest_useful_bytes();
        for (uint64_t bytes = first + 1; bytes + 1 <= last; ++bytes) {
            const double before = frontier.bound_at(bytes - 1), here = frontier.bound_at(bytes);
            RC_ASSERT(here <= before);
            RC_ASSERT(before - here + 1e-9 >= here - frontier.bound_at(bytes + 1));
        }
    }));
}

TEST(PlanFrontierProperty, HoldsTheBoundsOfAllItsSolutions) {
    EXPECT_TRUE(rc::check([](uint64_t seed) {
        const auto items = small_problem(seed, 1, 0).items;
        const PlanFrontier frontier(items);
        const uint64_t bytes = frontier.smallest_bytes() + seed % 200;
        const auto at = frontier.at(bytes), alone = plan_cost(items, {bytes});
        RC_ASSERT(at.cost == alone.cost);
        RC_ASSERT(at.bound <= at.cost);
        RC_ASSERT(at.bytes <= bytes);
        for (const PlanStep& step : frontier.steps()) {
            const double difference = frontier.at(step.bytes).cost - step.cost;
            RC_ASSERT(std::abs(difference) < 1e-9);
        }
    }));
}

// Costs are sums in the order they are found: equal ones may differ in the last digit.
constexpr double kOrderOfSums = 1e-14;

TEST(PlanCostProperty, MoreBudgetNeverCostsMore) {
    EXPECT_TRUE(rc::check([](uint64_t seed, uint8_t more) {
        auto problem = small_problem(seed, 1, 1);
        const auto first = planned([&] { return plan_cost(problem.items, problem.budget); });
        RC_PRE(first.has_value());
        problem.budget.bytes += more;
        problem.budget.limits[0].limit += more;
        RC_ASSERT(plan_cost(problem.items, problem.budget).cost <=
                  first->cost * (1 + kOrderOfSums));
    }));
}

TEST(PlanCost, OfEqualPlansDiffersInTheOrderOfSumsAlone) {
    auto problem = small_problem(11796764257060152U, 1, 1);
    const double first = plan_cost(problem.items, problem.budget).cost;
    problem.budget.bytes += 9;
    problem.budget.limits[0].limit += 9;
    EXPECT_LE(plan_cost(problem.items, problem.budget).cost, first * (1 + kOrderOfSums));
}

TEST(PlanCostProperty, DoesNotDependOnOrder) {
    EXPECT_TRUE(rc::check([](uint64_t seed, bool worst_domain) {
        const auto problem = small_problem(seed, 2, seed % 2);
        const PlanAim aim{.worst_domain = worst_domain};
        const auto first = planned([&] { return plan_cost(problem.items, problem.budget, aim); });
        RC_PRE(first.has_value());
        auto items = problem.items;
        std::mt19937_64 random(seed);
        for (auto& item : items) std::shuffle(item.options.begin(), item.options.end(), random);
        std::shuffle(items.begin(), items.end(), random);
        const auto again = plan_cost(items, problem.budget, aim);
        RC_ASSERT(again.cost == first->cost);
        RC_ASSERT(again.bytes == first->bytes);
        RC_ASSERT(again.bound == first->bound);
    }));
}

}  // namespace
}  // namespace bitgauge
