#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/plan.h"

#include "plan/core_search.h"
#include "plan/hull.h"
#include "plan/plan_problem.h"

namespace bitgauge {

struct PlanFrontier::State {
    State(std::span<const PlanItem> given, std::vector<double> weights)
        : items(given.begin(), given.end()),
          problem(items, {}, {.weights = std::move(weights)}),
          rows(problem.cost_rows()),
          mckp(problem.mckp(rows)),
          hull(make_hull(mckp)) {
        std::transform(hull.steps.begin(), hull.steps.end(), std::back_inserter(steps),
                       [this](const HullStep& step) { return in_words(step); });
    }

    PlanStep in_words(const HullStep& step) const {
        return {.item = mckp.items[step.item].origin,
                .from = mckp.option[step.from],
                .to = mckp.option[step.to],
                .bytes = static_cast<uint64_t>(step.use),
                .cost = std::max(0.0, step.cost),
                .price = step.price};
    }

    std::vector<PlanItem> items;
    PlanProblem problem;
    PlanProblem::Rows rows;
    Mckp mckp;
    Hull hull;
    std::vector<PlanStep> steps;
};

PlanFrontier::PlanFrontier(std::span<const PlanItem> items, std::vector<double> weights)
    : state_(std::make_unique<const State>(items, std::move(weights))) {}
PlanFrontier::PlanFrontier(PlanFrontier&&) noexcept = default;
PlanFrontier& PlanFrontier::operator=(PlanFrontier&&) noexcept = default;
PlanFrontier::~PlanFrontier() = default;

uint64_t PlanFrontier::smallest_bytes() const {
    return static_cast<uint64_t>(state_->hull.smallest_use);
}

uint64_t PlanFrontier::largest_useful_bytes() const {
    return state_->steps.empty() ? smallest_bytes() : state_->steps.back().bytes;
}

const std::vector<PlanStep>& PlanFrontier::steps() const {
    return state_->steps;
}

double PlanFrontier::bound_at(uint64_t bytes) const {
    assert(bytes >= smallest_bytes());
    return std::max(0.0, relaxed_cost(state_->hull, static_cast<double>(bytes)));
}

PlanSolution PlanFrontier::at(uint64_t bytes) const {
    if (bytes < smallest_bytes())
        throw Error(ErrorKind::kInput,
                    fmt::format("a size of {} is below the smallest possible, {}",
                                exact_bytes(static_cast<double>(bytes)),
                                exact_bytes(state_->hull.smallest_use)),
                    fmt::format("above {} nothing gets better",
                                exact_bytes(static_cast<double>(largest_useful_bytes()))));
    Mckp problem = state_->mckp;
    problem.limit = {static_cast<double>(std::min(bytes, largest_useful_bytes()))};
    return state_->problem.solution(state_->rows, problem, solve_with_hull(problem, state_->hull));
}

}  // namespace bitgauge
