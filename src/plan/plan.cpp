#include "bitgauge/plan.h"

#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bitgauge/error.h"

#include "plan/hull.h"
#include "plan/plan_problem.h"
#include "plan/solve.h"

namespace bitgauge {
namespace {

using Resource = PlanProblem::Resource;

// What may be asked for where size is all that is limited.
std::string useful_range(const PlanProblem& problem) {
    const PlanProblem::Rows rows{.objectives = {{Resource::Kind::kCost, 0, 0}},
                                 .limits = {{Resource::Kind::kBytes, 0, 1e300}}};
    const Hull hull = make_hull(problem.mckp(rows));
    const double largest = hull.steps.empty() ? hull.smallest_use : hull.steps.back().use;
    return fmt::format("from {}, the smallest possible, to {}, above which nothing gets better",
                       exact_bytes(hull.smallest_use), exact_bytes(largest));
}

std::string range_hint(const PlanProblem& problem, const Resource& limit, double least) {
    switch (limit.kind) {
        case Resource::Kind::kBytes:
            return "ask for a size " + useful_range(problem);
        case Resource::Kind::kLimit:
            return "raise it to " + problem.amount(limit, least);
        case Resource::Kind::kCost:
            break;
    }
    return fmt::format("allow at least {}", problem.amount(limit, least));
}

void check_each_limit(const PlanProblem& problem, const PlanProblem::Rows& rows) {
    for (const auto& limit : rows.limits) {
        const double least = problem.least(limit);
        if (least <= limit.limit) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("{} is below the least that is possible, {}",
                                problem.described(limit), problem.amount(limit, least)),
                    range_hint(problem, limit, least));
    }
}

// What each limit would have to be, the others being as they are.
std::string ways_out(const PlanProblem& problem, const PlanProblem::Rows& rows) {
    std::vector<std::string> ways;
    for (const auto& limit : rows.limits)
        if (const auto least = problem.least_beside(limit, rows.limits))
            ways.push_back(fmt::format("{} at least {}", problem.described(limit),
                                       problem.amount(limit, *least)));
    return ways.empty() ? "raise several of them"
                        : fmt::format("make one of them larger: {}", fmt::join(ways, ", or "));
}

[[noreturn]] void fail_together(const PlanProblem& problem, const PlanProblem::Rows& rows,
                                bool proven) {
    std::vector<std::string> limits;
    for (const auto& limit : rows.limits) limits.push_back(problem.described(limit));
    const std::string all = fmt::format("{}", fmt::join(limits, " and "));
    if (!proven)
        throw Error(ErrorKind::kInput, "no choice was found that keeps " + all,
                    "there may be none; raise one of them a little");
    throw Error(ErrorKind::kInput, "no choice keeps " + all, ways_out(problem, rows));
}

PlanSolution solved(const PlanProblem& problem, const PlanProblem::Rows& rows) {
    check_each_limit(problem, rows);
    const Mckp mckp = problem.mckp(rows);
    const Solved found = solve(mckp);
    if (!found.answer) fail_together(problem, rows, found.proven);
    return problem.solution(rows, mckp, *found.answer);
}

}  // namespace

PlanSolution plan_cost(std::span<const PlanItem> items, const PlanBudget& budget,
                       const PlanAim& aim) {
    const PlanProblem problem(items, budget, aim);
    return solved(problem, problem.cost_rows());
}

PlanSolution plan_size(std::span<const PlanItem> items, double max_cost, const PlanBudget& budget,
                       const PlanAim& aim) {
    if (!(max_cost >= 0))
        throw Error(ErrorKind::kInput, fmt::format("a cost of {} nats cannot be kept", max_cost),
                    "ask for 0 or more");
    const PlanProblem problem(items, budget, aim);
    return solved(problem, problem.size_rows(max_cost));
}

}  // namespace bitgauge
