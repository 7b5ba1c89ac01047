// Column generation [Dantzig & Wolfe 1960], which is the cutting-plane method [Kelley 1960] seen
// from the other side: the master program mixes selections and prices the limits; the best
// selection at those prices is a bound and the next column.

#include "plan/dual_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plan/master_program.h"

namespace bitgauge {
namespace {

constexpr double kClose = 1e-9;  // of the value: mixture and bound have met
constexpr int kMaxColumns = 2000;
constexpr double kFirstPenalty = 1e2;
constexpr double kLastPenalty = 1e10;

double scored(const Mckp& problem, uint32_t entry, const DualBound& dual) {
    double score = 0;
    const auto cost = problem.cost_of(entry), use = problem.use_of(entry);
    for (size_t k = 0; k < cost.size(); ++k) score += dual.weights[k] * cost[k];
    for (size_t m = 0; m < use.size(); ++m) score += dual.prices[m] * use[m];
    return score;
}

// Value of the relaxation at the prices; `best` becomes the selection that has it.
double relaxed_value(const Mckp& problem, const DualBound& dual, Selection& best) {
    double value = 0;
    best.clear();
    for (const auto& item : problem.items) {
        uint32_t at = item.begin;
        double least = std::numeric_limits<double>::infinity();
        for (uint32_t e = item.begin; e < item.end; ++e) {
            const double score = scored(problem, e, dual);
            if (score < least) least = score, at = e;
        }
        value += least;
        best.push_back(at);
    }
    for (size_t m = 0; m < problem.limits(); ++m) value -= dual.prices[m] * problem.limit[m];
    return value;
}

// Prices that make next to nothing of the bound are rounding, and become 0; the bound follows.
DualBound without_noise(const Mckp& problem, DualBound dual) {
    for (size_t m = 0; m < problem.limits(); ++m)
        if (dual.prices[m] * problem.limit[m] <= kClose * dual.bound) dual.prices[m] = 0;
    Selection ignored;
    dual.bound = relaxed_value(problem, dual, ignored);
    return dual;
}

class ColumnGeneration {
  public:
    ColumnGeneration(const Mckp& problem, double penalty);

    // False where the mixture still violates limits at the end.
    bool run();

    DualBound result() const;

  private:
    std::vector<double> scaled_limit() const;
    double use_scale(size_t row) const;
    void add(Selection selection);
    DualBound current() const;

    const Mckp& problem_;
    double cost_scale_;
    std::vector<double> use_scale_;
    MasterProgram master_;
    std::vector<Selection> selections_;
    DualBound best_;
};

double ColumnGeneration::use_scale(size_t row) const {
    if (problem_.limit[row] > 0) return problem_.limit[row];
    double largest = 0;
    for (uint32_t e = 0; e < problem_.entries(); ++e)
        largest = std::max(largest, problem_.use_of(e)[row]);
    return largest > 0 ? largest : 1;
}

std::vector<double> ColumnGeneration::scaled_limit() const {
    std::vector<double> limit(problem_.limits());
    for (size_t m = 0; m < limit.size(); ++m) limit[m] = problem_.limit[m] > 0 ? 1 : 0;
    return limit;
}

// What is spent when uses cost nothing: the scale of costs, and the first column.
Selection cheapest(const Mckp& problem) {
    Selection selection;
    const DualBound dual{.weights = std::vector<double>(problem.objectives, 1.0),
                         .prices = std::vector<double>(problem.limits(), 0.0)};
    relaxed_value(problem, dual, selection);
    return selection;
}

Selection dearest(const Mckp& problem) {
    Selection selection;
    for (const auto& item : problem.items) {
        uint32_t at = item.begin;
        for (uint32_t e = item.begin; e < item.end; ++e)
            if (problem.cost_of(e)[0] > problem.cost_of(at)[0]) at = e;
        selection.push_back(at);
    }
    return selection;
}

ColumnGeneration::ColumnGeneration(const Mckp& problem, double penalty)
    : problem_(problem),
      cost_scale_(totals_of(problem, dearest(problem)).value()),
      master_(problem.objectives, scaled_limit(), penalty) {
    if (cost_scale_ == 0) cost_scale_ = 1;
    for (size_t m = 0; m < problem.limits(); ++m) use_scale_.push_back(use_scale(m));
    best_.bound = -std::numeric_limits<double>::infinity();
    add(cheapest(problem));
}

void ColumnGeneration::add(Selection selection) {
    const auto totals = totals_of(problem_, selection);
    std::vector<double> rows;
    for (const double cost : totals.cost) rows.push_back(cost / cost_scale_);
    for (size_t m = 0; m < totals.use.size(); ++m) rows.push_back(totals.use[m] / use_scale_[m]);
    master_.add_column(rows);
    selections_.push_back(std::move(selection));
}

DualBound ColumnGeneration::current() const {
    const auto& prices = master_.prices();
    DualBound dual;
    double sum = 0;
    for (size_t k = 0; k < problem_.objectives; ++k) sum += prices[k];
    for (size_t k = 0; k < problem_.objectives; ++k)
        dual.weights.push_back(sum > 0 ? prices[k] / sum
                                       : 1 / static_cast<double>(problem_.objectives));
    for (size_t m = 0; m < problem_.limits(); ++m)
        dual.prices.push_back(prices[problem_.objectives + m] * cost_scale_ / use_scale_[m]);
    return dual;
}

bool ColumnGeneration::run() {
    for (int i = 0; i < kMaxColumns; ++i) {
        master_.solve();
        DualBound dual = current();
        Selection next;
        dual.bound = relaxed_value(problem_, dual, next);
        if (dual.bound > best_.bound) best_ = dual;
        const double value = master_.value() * cost_scale_;
        if (value - best_.bound <= kClose * value) break;
        if (std::find(selections_.begin(), selections_.end(), next) != selections_.end()) break;
        add(std::move(next));
    }
    return master_.violation() <= kClose;
}

DualBound ColumnGeneration::result() const {
    DualBound result = without_noise(problem_, best_);
    const auto shares = master_.shares();
    for (size_t p = 0; p < shares.size(); ++p)
        if (shares[p] > kClose) result.mixture.push_back({shares[p], selections_[p]});
    return result;
}

// The largest share of a limit that has to be used; above 1 nothing is possible.
double needed_share(const Mckp& problem) {
    Mckp shares = problem;
    shares.objectives = problem.limits();
    shares.cost = problem.use;
    for (size_t e = 0; e < problem.entries(); ++e)
        for (size_t m = 0; m < problem.limits(); ++m)
            shares.cost[e * problem.limits() + m] /= std::max(problem.limit[m], 1e-300);
    shares.use.clear(), shares.limit.clear();
    ColumnGeneration generation(shares, 0);
    generation.run();
    return generation.result().bound;
}

}  // namespace

std::optional<DualBound> dual_bound(const Mckp& problem) {
    if (!has_selections(problem)) return std::nullopt;
    for (double penalty = kFirstPenalty; penalty <= kLastPenalty; penalty *= 1e4) {
        ColumnGeneration generation(problem, penalty);
        if (generation.run()) return generation.result();
        if (needed_share(problem) > 1 + kClose) return std::nullopt;
    }
    return std::nullopt;
}

std::vector<double> regrets(const Mckp& problem, const DualBound& dual) {
    std::vector<double> regret(problem.entries());
    for (const auto& item : problem.items) {
        double least = std::numeric_limits<double>::infinity();
        for (uint32_t e = item.begin; e < item.end; ++e)
            least = std::min(least, regret[e] = scored(problem, e, dual));
        for (uint32_t e = item.begin; e < item.end; ++e) regret[e] -= least;
    }
    return regret;
}

}  // namespace bitgauge
