#include "plan/hull.h"

#include <algorithm>

namespace bitgauge {
namespace {

double price_between(const Mckp& problem, uint32_t from, uint32_t to) {
    return (problem.cost[from] - problem.cost[to]) / (problem.use[to] - problem.use[from]);
}

// Corners in order of use. Entries rise in use and fall in cost, as make_mckp() leaves them. Points
// on an edge are kept: finer steps.
std::vector<uint32_t> corners(const Mckp& problem, const Mckp::Item& item) {
    std::vector<uint32_t> kept;
    for (uint32_t entry = item.begin; entry < item.end; ++entry) {
        while (kept.size() > 1 && price_between(problem, kept[kept.size() - 2], kept.back()) <
                                      price_between(problem, kept.back(), entry))
            kept.pop_back();
        kept.push_back(entry);
    }
    return kept;
}

void add_steps(const Mckp& problem, uint32_t item, Hull& hull) {
    const auto corner = corners(problem, problem.items[item]);
    hull.smallest.push_back(corner.front());
    for (size_t i = 1; i < corner.size(); ++i)
        hull.steps.push_back(
            {item, corner[i - 1], corner[i], price_between(problem, corner[i - 1], corner[i])});
}

void add_up(const Mckp& problem, Hull& hull) {
    const auto totals = totals_of(problem, hull.smallest);
    double use = hull.smallest_use = totals.use[0];
    double cost = hull.smallest_cost = totals.cost[0];
    for (auto& step : hull.steps) {
        step.use = use += problem.use[step.to] - problem.use[step.from];
        step.cost = cost -= problem.cost[step.from] - problem.cost[step.to];
    }
}

}  // namespace

Hull make_hull(const Mckp& problem) {
    Hull hull;
    for (uint32_t i = 0; i < problem.items.size(); ++i) add_steps(problem, i, hull);
    std::stable_sort(hull.steps.begin(), hull.steps.end(),
                     [](const HullStep& a, const HullStep& b) { return a.price > b.price; });
    add_up(problem, hull);
    return hull;
}

size_t steps_within(const Hull& hull, double limit) {
    const auto beyond =
        std::upper_bound(hull.steps.begin(), hull.steps.end(), limit,
                         [](double value, const HullStep& step) { return value < step.use; });
    return static_cast<size_t>(beyond - hull.steps.begin());
}

double relaxed_cost(const Hull& hull, double limit) {
    const size_t taken = steps_within(hull, limit);
    const double use = taken == 0 ? hull.smallest_use : hull.steps[taken - 1].use;
    const double cost = taken == 0 ? hull.smallest_cost : hull.steps[taken - 1].cost;
    return taken == hull.steps.size() ? cost : cost - hull.steps[taken].price * (limit - use);
}

Selection selection_after(const Hull& hull, size_t count) {
    Selection selection = hull.smallest;
    for (size_t s = 0; s < count; ++s) selection[hull.steps[s].item] = hull.steps[s].to;
    return selection;
}

}  // namespace bitgauge
