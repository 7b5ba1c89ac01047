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
// Gaps, as shares of the bound: a search ends, a second order of the beam is not tried, and a wide
// beam is not.
constexpr double kGoodEnough = 1e-6, kNearEnough = 3e-5, kWideAbove = 3e-4;
constexpr size_t kNarrow = 300, kWide = 2000;  // states of the beam
constexpr double kFairPart = 0.75;             // of the gap that may be left, for another beam
constexpr uint64_t kNodes = 20'000;            // of the depth-first search, some 0.1 s

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

// The best selection so far, while searches of different kinds look for a better one.
class Pursuit {
  public:
    explicit Pursuit(const Mckp& problem, const DualBound& dual)
        : problem_(problem), dual_(dual), regret_(regrets(problem, dual)) {}

    void repair_and_improve(const Selection& start) {
        const LocalSearch search(problem_, regret_, dual_.bound);
        best_ = search.repair(start);
        if (best_) best_ = search.improve(std::move(*best_));
        if (best_) value_ = totals_of(problem_, *best_).value();
        optimal_ = value_ <= dual_.bound;
    }

    // From `start`, then from the best as long as that closes a fair part of the gap.
    void beam(const Selection& start, const BeamOptions& options) {
        take(beam_search(problem_, dual_, regret_, start, value_, options));
        for (double before = kNever; best_ && gap() < kFairPart * before && above(kGoodEnough);) {
            before = gap();
            take(beam_search(problem_, dual_, regret_, *best_, value_, options));
        }
    }

    void branch() { take(branch_search(problem_, regret_, dual_.bound, value_, kNodes)); }

    // Whether a search is worth while: nothing is proven, and the gap is above this.
    bool above(double gap) const { return !optimal_ && value_ > dual_.bound * (1 + gap); }

    Solved result() && {
        if (!best_) return {std::nullopt, optimal_};
        return {Answer{std::move(*best_), dual_.bound, optimal_, dual_.prices, dual_.weights},
                optimal_};
    }

  private:
    double gap() const { return value_ - dual_.bound; }

    void take(auto searched) {
        if (searched.better) best_ = std::move(searched.better);
        if (best_) value_ = totals_of(problem_, *best_).value();
        optimal_ |= searched.complete;
    }

    const Mckp& problem_;
    const DualBound& dual_;
    std::vector<double> regret_;
    std::optional<Selection> best_;
    double value_ = kNever;
    bool optimal_ = false;
};

Solved solve_with_prices(const Mckp& problem) {
    const auto dual = dual_bound(problem);
    if (!dual) return {std::nullopt, true};
    const Selection start = rounded(problem, *dual);
    Pursuit pursuit(problem, *dual);
    pursuit.repair_and_improve(start);
    if (pursuit.above(kGoodEnough)) pursuit.beam(start, {BeamOrder::kLargeFirst, kNarrow});
    if (pursuit.above(kNearEnough)) pursuit.beam(start, {BeamOrder::kNearFirst, kNarrow});
    if (pursuit.above(kWideAbove)) pursuit.beam(start, {BeamOrder::kLargeFirst, kWide});
    if (pursuit.above(kGoodEnough)) pursuit.branch();
    return std::move(pursuit).result();
}

}  // namespace

Solved solve(const Mckp& problem) {
    if (!has_selections(problem)) return {std::nullopt, true};
    if (problem.objectives > 1 || problem.limits() != 1) return solve_with_prices(problem);
    if (smallest_use(problem, 0) > problem.limit[0]) return {std::nullopt, true};
    return {solve_with_hull(problem, make_hull(problem)), true};
}

}  // namespace bitgauge
