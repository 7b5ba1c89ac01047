// Dynamic programming over the core, by lists of undominated states [Pisinger 1995, Eur. J. Oper.
// Res. 83, 394; Dyer, Kayal & Walker 1984 for the bounds].
//
// With the price p of the break step, an entry's regret is what it costs beyond its item's best at
// that price: r = (cost + p * use) - min >= 0. A selection's value is the bound + the sum of its
// regrets + p * what it leaves unused. So a selection better than the best one known takes only
// entries with a regret below the known gap: the core. Where no state had to be left out for
// `width`, the search is a proof.

#include "plan/core_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitgauge {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr uint32_t kStart = std::numeric_limits<uint32_t>::max();

struct Move {
    uint32_t entry;
    double use, regret;  // beyond the break solution's
};

struct CoreItem {
    uint32_t item;
    std::vector<Move> moves;            // without staying
    double dearness;                    // least regret per use of its moves
    double up = kNever, down = kNever;  // least regret per use gained or freed, here or later
};

struct State {
    double use, regret;  // beyond the break solution's
    uint32_t trail;      // the last of its moves
};

struct Trail {
    uint32_t before;
    uint32_t item, entry;
};

class Search {
  public:
    Search(const Mckp& problem, Selection start, double bound, double price)
        : problem_(problem), best_(std::move(start)), bound_(bound), price_(price) {}

    // Entries that fit, in the order of the hull's later steps.
    void fill(const Hull& hull, size_t taken);

    // Whether nothing better is left.
    bool improve(const Selection& start, const CoreSearch& search);

    const Selection& best() const { return best_; }
    double gap() const { return std::max(0.0, totals_of(problem_, best_).value() - bound_); }

  private:
    std::vector<CoreItem> core(const Selection& start) const;
    CoreItem core_item(uint32_t item, uint32_t at) const;
    std::vector<State> extend(const std::vector<State>& states, const CoreItem& item);
    double least_excess(const State& state, double up, double down) const;
    void keep_best(const State& state);
    bool narrow(std::vector<State>& states, size_t width, double up, double down) const;

    const Mckp& problem_;
    Selection start_, best_;
    double bound_, price_;
    double gap_ = 0, slack_ = 0;  // of best_; of start_
    std::vector<Trail> trails_;
};

void Search::fill(const Hull& hull, size_t taken) {
    double slack = problem_.limit[0] - totals_of(problem_, best_).use[0];
    for (size_t s = taken; s < hull.steps.size(); ++s) {
        const HullStep& step = hull.steps[s];
        const double more = problem_.use[step.to] - problem_.use[step.from];
        if (best_[step.item] != step.from || more > slack) continue;
        best_[step.item] = step.to;
        slack -= more;
    }
}

CoreItem Search::core_item(uint32_t item, uint32_t at) const {
    CoreItem core{.item = item, .dearness = kNever};
    for (uint32_t e = problem_.items[item].begin; e < problem_.items[item].end; ++e) {
        const double use = problem_.use[e] - problem_.use[at];
        const double regret = std::max(0.0, problem_.cost[e] - problem_.cost[at] + price_ * use);
        if (e == at || regret >= gap_) continue;
        core.moves.push_back({e, use, regret});
        (use > 0 ? core.up : core.down) =
            std::min(use > 0 ? core.up : core.down, regret / std::abs(use));
    }
    core.dearness = std::min(core.up, core.down);
    return core;
}

// Nearest to the break price first; `up` and `down` cover all that follow.
std::vector<CoreItem> Search::core(const Selection& start) const {
    std::vector<CoreItem> items;
    for (uint32_t i = 0; i < start.size(); ++i) {
        auto item = core_item(i, start[i]);
        if (!item.moves.empty()) items.push_back(std::move(item));
    }
    std::stable_sort(items.begin(), items.end(),
                     [](const CoreItem& a, const CoreItem& b) { return a.dearness < b.dearness; });
    for (size_t i = items.size(); i-- > 1;) {
        items[i - 1].up = std::min(items[i - 1].up, items[i].up);
        items[i - 1].down = std::min(items[i - 1].down, items[i].down);
    }
    return items;
}

// Bound of what any continuation ends with, above bound_: what is unused is either filled, at the
// least regret per use that is left, or stays unused at the price.
double Search::least_excess(const State& state, double up, double down) const {
    const double unused = slack_ - state.use;
    if (unused == 0) return state.regret;
    return state.regret + (unused > 0 ? std::min(price_, up) * unused : down * -unused);
}

void Search::keep_best(const State& state) {
    const double excess = state.regret + price_ * (slack_ - state.use);
    if (state.use > slack_ || excess >= gap_) return;
    Selection selection = start_;
    for (uint32_t t = state.trail; t != kStart; t = trails_[t].before)
        selection[trails_[t].item] = trails_[t].entry;
    const auto totals = totals_of(problem_, selection);
    if (!keeps_limits(problem_, totals) || totals.value() - bound_ >= gap_) return;
    best_ = std::move(selection);
    gap_ = totals.value() - bound_;
}

// Each state with each entry of the item; those that another beats are left out.
std::vector<State> Search::extend(const std::vector<State>& states, const CoreItem& item) {
    std::vector<std::pair<State, const Move*>> all;
    all.reserve(states.size() * (item.moves.size() + 1));
    for (const State& state : states) {
        all.push_back({state, nullptr});
        for (const Move& move : item.moves)
            all.push_back({{state.use + move.use, state.regret + move.regret, state.trail}, &move});
    }
    const auto cost = [this](const State& s) { return s.regret - price_ * s.use; };
    std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) {
        if (a.first.use != b.first.use) return a.first.use < b.first.use;
        return cost(a.first) < cost(b.first);
    });
    std::vector<State> next;
    double lowest = kNever;
    for (auto& [state, move] : all) {
        if (cost(state) >= lowest) continue;
        lowest = cost(state);
        if (move != nullptr) {
            trails_.push_back({state.trail, item.item, move->entry});
            state.trail = static_cast<uint32_t>(trails_.size() - 1);
            keep_best(state);
        }
        next.push_back(state);
    }
    return next;
}

// Whether all that may lead to something better are kept.
bool Search::narrow(std::vector<State>& states, size_t width, double up, double down) const {
    const auto excess = [&](const State& s) { return least_excess(s, up, down); };
    std::erase_if(states, [&](const State& s) { return excess(s) >= gap_; });
    if (states.size() <= width) return true;
    std::vector<double> by_excess(states.size());
    std::transform(states.begin(), states.end(), by_excess.begin(), excess);
    const auto last = by_excess.begin() + static_cast<std::ptrdiff_t>(width);
    std::nth_element(by_excess.begin(), last, by_excess.end());
    std::erase_if(states, [&, worst = *last](const State& s) { return excess(s) >= worst; });
    return false;
}

bool Search::improve(const Selection& start, const CoreSearch& search) {
    start_ = start;
    gap_ = gap();
    slack_ = problem_.limit[0] - totals_of(problem_, start).use[0];
    const auto items = core(start);
    std::vector<State> states = {{0, 0, kStart}};
    bool all = true;
    for (size_t i = 0; i < items.size() && !states.empty(); ++i) {
        if (gap_ <= search.good_enough * bound_) return false;
        states = extend(states, items[i]);
        const bool more = i + 1 < items.size();
        all &= narrow(states, search.width, more ? items[i + 1].up : kNever,
                      more ? items[i + 1].down : kNever);
    }
    return all;
}

}  // namespace

Answer solve_with_hull(const Mckp& problem, const Hull& hull, const CoreSearch& options) {
    size_t taken = steps_within(hull, problem.limit[0]);
    Selection start = selection_after(hull, taken);
    while (taken > 0 && !keeps_limits(problem, totals_of(problem, start)))  // by rounding
        start = selection_after(hull, --taken);
    const double bound = relaxed_cost(hull, problem.limit[0]);
    const double price = taken < hull.steps.size() ? hull.steps[taken].price : 0;
    Search search(problem, start, bound, price);
    search.fill(hull, taken);
    const bool done = search.gap() == 0 || search.improve(start, options);
    return {search.best(), bound, done, {price}, {1.0}};
}

}  // namespace bitgauge
