#include "plan/solve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plan/beam_search.h"
#include "plan/branch_search.h"
#include "plan/core_search.h"
#include "plan/dual_bound.h"
#include "plan/hull.h"
#include "plan/local_search.h"

namespace bitgauge {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr size_t kWidth = 300;
constexpr uint64_t kNodes = 20'000;
constexpr double kGoodEnough = 1e-6;

// Share of each entry in the mixture.
std::vector<double> shares(const Mckp& problem, const DualBound& dual) {
    std::vector<double> share(problem.entries());
    for (const auto& [part, selection] : dual.mixture)
        for (const uint32_t entry : selection) share[entry] += part;
    return share;
}

// How far a selection in the making is from the mixture: uses as shares of the limits, costs as
// shares of the bound.
class Drift {
  public:
    Drift(const Mckp& problem, const DualBound& dual, const std::vector<double>& share)
        : problem_(problem), share_(share), drift_(problem.limits() + problem.objectives) {
        for (const double limit : problem.limit) scale_.push_back(limit > 0 ? 1 / limit : 0);
        scale_.resize(drift_.size(), dual.bound > 0 ? 1 / dual.bound : 0);
    }

    void add_mixture(const Mckp::Item& item) {
        for (uint32_t e = item.begin; e < item.end; ++e) add(e, -share_[e]);
    }
    void add(uint32_t entry, double times) {
        for (size_t r = 0; r < drift_.size(); ++r) drift_[r] += times * relative(entry, r);
    }
    double squared_with(uint32_t entry) const {
        double sum = 0;
        for (size_t r = 0; r < drift_.size(); ++r)
            sum += std::pow(drift_[r] + relative(entry, r), 2);
        return sum;
    }

  private:
    double relative(uint32_t entry, size_t row) const {
        const size_t limits = problem_.limits();
        return scale_[row] *
               (row < limits ? problem_.use_of(entry)[row] : problem_.cost_of(entry)[row - limits]);
    }

    const Mckp& problem_;
    const std::vector<double>& share_;
    std::vector<double> drift_, scale_;
};

// A selection of the mixture's entries that uses about what the mixture uses: item by item, those
// with most at stake first, the entry that leaves the sums nearest to the mixture's.
Selection rounded(const Mckp& problem, const DualBound& dual) {
    const auto share = shares(problem, dual);
    std::vector<std::pair<double, uint32_t>> order;
    for (uint32_t i = 0; i < problem.items.size(); ++i) {
        Drift alone(problem, dual, share);
        alone.add_mixture(problem.items[i]);
        double stake = 0;
        for (uint32_t e = problem.items[i].begin; e < problem.items[i].end; ++e)
            if (share[e] > 0) stake = std::max(stake, alone.squared_with(e));
        order.push_back({-stake, i});
    }
    std::sort(order.begin(), order.end());
    Drift drift(problem, dual, share);
    Selection selection(problem.items.size());
    for (const auto& [stake, i] : order) {
        drift.add_mixture(problem.items[i]);
        double least = kNever;
        for (uint32_t e = problem.items[i].begin; e < problem.items[i].end; ++e)
            if (share[e] > 0 && drift.squared_with(e) < least)
                least = drift.squared_with(e), selection[i] = e;
        drift.add(selection[i], 1);
    }
    return selection;
}

Solved solve_with_prices(const Mckp& problem) {
    const auto dual = dual_bound(problem);
    if (!dual) return {std::nullopt, true};
    const auto regret = regrets(problem, *dual);
    const auto first = rounded(problem, *dual);
    const LocalSearch search(problem, regret, dual->bound);
    auto best = search.repair(first);
    if (best) best = search.improve(std::move(*best));
    double value = best ? totals_of(problem, *best).value() : kNever;
    bool optimal = value <= dual->bound;
    const auto take = [&](auto searched) {
        if (searched.better) best = std::move(searched.better);
        value = best ? totals_of(problem, *best).value() : kNever;
        optimal |= searched.complete;
    };
    const auto near = [&] { return optimal || value <= dual->bound * (1 + kGoodEnough); };
    bool from_best = false;
    for (Selection start = first; !near();) {
        const double before = value;
        take(beam_search(problem, *dual, regret, start, value, kWidth));
        if (!best || (from_best && value == before)) break;
        start = *best, from_best = true;
    }
    if (!near()) take(branch_search(problem, regret, dual->bound, value, kNodes));
    if (!best) return {std::nullopt, optimal};
    return {Answer{std::move(*best), dual->bound, optimal, dual->prices, dual->weights}, optimal};
}

}  // namespace

Solved solve(const Mckp& problem) {
    if (!has_selections(problem)) return {std::nullopt, true};
    if (problem.objectives > 1 || problem.limits() != 1) return solve_with_prices(problem);
    if (smallest_use(problem, 0) > problem.limit[0]) return {std::nullopt, true};
    return {solve_with_hull(problem, make_hull(problem)), true};
}

}  // namespace bitgauge
