// The core of core_search.cpp for any number of rows, with a beam in place of lists of undominated
// states, of which there are too many in several dimensions.
//
// With weights w of the objectives and prices p of the limits, a selection's value is the bound +
// the sum of its regrets + sum p_m * (unused of limit m) + (largest cost - w-weighted cost). All
// terms are >= 0. The search changes `start` item by item, and ranks what it has by regret + what
// bringing every row to its target would cost at the least regret per unit that is left.

#include "plan/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace bitgauge {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
// Of a row's price: what each unit away from the target counts for at least in the rank, where
// large items come first and the regret per unit that is left says little yet.
constexpr double kLeastRate = 0.3;
constexpr double kPush = 10;   // of the gap per share beyond a limit, in the rank
constexpr double kWork = 5e6;  // candidates looked at, about half a second
constexpr uint32_t kStart = std::numeric_limits<uint32_t>::max();

// A limit, whose target is not to be passed, or an objective's distance from the weighted cost,
// each unit of which above 0 costs at most one unit of value.
struct Row {
    double target = 0;
    double below = 0;       // value lost per unit below the target, at most
    double above = kNever;  // and above it

    bool is_limit() const { return above == kNever; }
    double price() const { return is_limit() ? below : above; }
    double price_of(double unused) const { return unused > 0 ? below : price(); }
};

struct Move {
    uint32_t entry;
    double regret;
    std::vector<double> amount;  // more than `start`, per row
};

struct CoreItem {
    uint32_t item;
    std::vector<Move> moves;        // the first one stays
    double smallest_move = kNever;  // in value, at the rows' prices
    double dearness = kNever;       // least regret per value moved
    std::vector<double> up, down;   // per row: least regret per unit gained or lost, here or later
};

// A changed selection. Its amounts per row lie in Beam::amount_.
struct State {
    double regret = 0;  // of the items looked at so far
    uint32_t trail = kStart;
};

// A state's successor, before it is known whether it is kept.
struct Candidate {
    double rank = 0, regret = 0;
    double beyond = 0;  // sum of shares by which limits are passed
    uint32_t state = 0;
    const Move* move = nullptr;
};

struct Trail {
    uint32_t before, item, entry;
};

class Beam {
  public:
    Beam(const Mckp& problem, const DualBound& dual, const std::vector<double>& regret,
         Selection start, double value, const BeamOptions& options)
        : problem_(problem),
          dual_(dual),
          regret_(regret),
          start_(std::move(start)),
          value_(value),
          options_(options) {
        set_rows();
    }

    BeamResult run();

  private:
    void set_rows();
    std::vector<double> amounts(uint32_t entry) const;
    double gap() const { return value_ - dual_.bound; }
    CoreItem core_item(uint32_t item) const;
    std::vector<CoreItem> core() const;
    size_t width_for(const std::vector<CoreItem>& items) const;
    void look_ahead(std::vector<CoreItem>& items) const;
    void add_first_state(const std::vector<CoreItem>& items);
    std::vector<Candidate> successors(const CoreItem& item, const CoreItem* next);
    bool promising(Candidate& candidate, const CoreItem* next) const;
    double row_excess(size_t row, const CoreItem* next) const;
    void keep_best(const Candidate& candidate, const CoreItem& item);
    bool narrow(std::vector<Candidate>& candidates, size_t width) const;
    void advance(const std::vector<Candidate>& candidates, const CoreItem& item);

    const Mckp& problem_;
    const DualBound& dual_;
    const std::vector<double>& regret_;
    Selection start_;
    double value_;
    BeamOptions options_;
    std::vector<Row> rows_;
    std::vector<State> states_;
    std::vector<double> amount_;     // per state and row, of the whole selection
    std::vector<double> looked_at_;  // the amounts of one candidate
    std::vector<Trail> trails_;
    std::optional<Selection> better_;
};

void Beam::set_rows() {
    for (size_t m = 0; m < problem_.limits(); ++m)
        rows_.push_back({problem_.limit[m], dual_.prices[m], kNever});
    if (problem_.objectives > 1) rows_.resize(rows_.size() + problem_.objectives, Row{0, 0, 1});
}

std::vector<double> Beam::amounts(uint32_t entry) const {
    const auto use = problem_.use_of(entry), cost = problem_.cost_of(entry);
    std::vector<double> amount(use.begin(), use.end());
    if (problem_.objectives == 1) return amount;
    double weighted = 0;
    for (size_t k = 0; k < cost.size(); ++k) weighted += dual_.weights[k] * cost[k];
    for (const double c : cost) amount.push_back(c - weighted);
    return amount;
}

// Every item has its staying as the first move; those with no other are left to first_regret_.
CoreItem Beam::core_item(uint32_t item) const {
    CoreItem core{.item = item};
    core.up.assign(rows_.size(), kNever), core.down = core.up;
    const uint32_t at = start_[item];
    const auto from = amounts(at);
    core.moves.push_back({at, regret_[at], std::vector<double>(rows_.size())});
    for (uint32_t e = problem_.items[item].begin; e < problem_.items[item].end; ++e) {
        if (e == at || regret_[e] >= gap()) continue;
        Move move{e, regret_[e], amounts(e)};
        double moved = 0;
        for (size_t r = 0; r < rows_.size(); ++r) {
            const double more = move.amount[r] -= from[r];
            moved += std::abs(more) * rows_[r].price();
            auto& rate = more > 0 ? core.up[r] : core.down[r];
            if (more != 0)
                rate = std::min(rate, std::max(0.0, move.regret - regret_[at]) / std::abs(more));
        }
        if (moved > 0) {
            core.smallest_move = std::min(core.smallest_move, moved);
            core.dearness = std::min(core.dearness, move.regret / moved);
        }
        core.moves.push_back(std::move(move));
    }
    return core;
}

std::vector<CoreItem> Beam::core() const {
    std::vector<CoreItem> items;
    for (uint32_t i = 0; i < start_.size(); ++i) {
        auto item = core_item(i);
        if (item.moves.size() > 1) items.push_back(std::move(item));
    }
    const bool large_first = options_.order == BeamOrder::kLargeFirst;
    std::stable_sort(items.begin(), items.end(), [&](const CoreItem& a, const CoreItem& b) {
        return large_first ? a.smallest_move > b.smallest_move : a.dearness < b.dearness;
    });
    look_ahead(items);
    return items;
}

void Beam::look_ahead(std::vector<CoreItem>& items) const {
    for (size_t i = items.size(); i-- > 1;)
        for (size_t r = 0; r < rows_.size(); ++r) {
            items[i - 1].up[r] = std::min(items[i - 1].up[r], items[i].up[r]);
            items[i - 1].down[r] = std::min(items[i - 1].down[r], items[i].down[r]);
        }
}

void Beam::add_first_state(const std::vector<CoreItem>& items) {
    states_ = {State{}};
    amount_.assign(rows_.size(), 0);
    for (const uint32_t entry : start_) {
        const auto amount = amounts(entry);
        for (size_t r = 0; r < rows_.size(); ++r) amount_[r] += amount[r];
        states_.front().regret += regret_[entry];
    }
    for (const CoreItem& item : items) states_.front().regret -= item.moves.front().regret;
}

// The least that this row adds to the value in any continuation; `next` is what is left.
double Beam::row_excess(size_t row, const CoreItem* next) const {
    const double unused = rows_[row].target - looked_at_[row];
    if (unused == 0) return 0;
    const double rate = next == nullptr ? kNever : unused > 0 ? next->up[row] : next->down[row];
    return std::abs(unused) * std::min(rate, unused > 0 ? rows_[row].below : rows_[row].above);
}

// Ranks the candidate, and says whether it may become better than what is known.
bool Beam::promising(Candidate& candidate, const CoreItem* next) const {
    double largest = 0;
    candidate.rank = candidate.regret;
    const double least_rate = options_.order == BeamOrder::kLargeFirst ? kLeastRate : 0;
    for (size_t r = 0; r < rows_.size(); ++r) {
        const double excess = row_excess(r, next);
        largest = std::max(largest, excess);
        const double unused = rows_[r].target - looked_at_[r];
        candidate.rank +=
            std::max(excess, least_rate * rows_[r].price_of(unused) * std::abs(unused));
        if (rows_[r].is_limit())
            candidate.beyond += std::max(0.0, looked_at_[r] / rows_[r].target - 1);
    }
    candidate.rank += kPush * gap() * candidate.beyond;
    return candidate.regret + largest < gap();
}

void Beam::keep_best(const Candidate& candidate, const CoreItem& item) {
    double excess = candidate.regret, above = 0;
    for (size_t r = 0; r < rows_.size(); ++r) {
        const double unused = rows_[r].target - looked_at_[r];
        if (unused < 0 && rows_[r].is_limit()) return;
        excess += rows_[r].below * std::max(0.0, unused);
        if (!rows_[r].is_limit()) above = std::max(above, -unused);
    }
    if (excess + above >= gap()) return;  // even if the items still to come had no regret
    Selection selection = start_;
    for (uint32_t t = states_[candidate.state].trail; t != kStart; t = trails_[t].before)
        selection[trails_[t].item] = trails_[t].entry;
    selection[item.item] = candidate.move->entry;
    const auto totals = totals_of(problem_, selection);
    if (!keeps_limits(problem_, totals) || totals.value() >= value_) return;
    value_ = totals.value();
    better_ = std::move(selection);
}

std::vector<Candidate> Beam::successors(const CoreItem& item, const CoreItem* next) {
    std::vector<Candidate> candidates;
    for (uint32_t s = 0; s < states_.size(); ++s)
        for (const Move& move : item.moves) {
            Candidate candidate{
                .regret = states_[s].regret + move.regret, .state = s, .move = &move};
            for (size_t r = 0; r < rows_.size(); ++r)
                looked_at_[r] = amount_[s * rows_.size() + r] + move.amount[r];
            if (&move != &item.moves.front()) keep_best(candidate, item);
            if (promising(candidate, next)) candidates.push_back(candidate);
        }
    return candidates;
}

// Whether nothing that could matter was left out. Candidates of equal rank and regret differ, as a
// rule, in rows without a price only: one of them is kept.
bool Beam::narrow(std::vector<Candidate>& candidates, size_t width) const {
    std::stable_sort(
        candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
            return std::tie(a.rank, a.regret, a.beyond) < std::tie(b.rank, b.regret, b.beyond);
        });
    const size_t before = candidates.size();
    const auto same = [](const Candidate& a, const Candidate& b) {
        return a.rank == b.rank && a.regret == b.regret;
    };
    candidates.erase(std::unique(candidates.begin(), candidates.end(), same), candidates.end());
    if (candidates.size() > width) candidates.resize(width);
    return candidates.size() == before;
}

void Beam::advance(const std::vector<Candidate>& candidates, const CoreItem& item) {
    std::vector<State> states;
    std::vector<double> amount;
    for (const Candidate& candidate : candidates) {
        const State& from = states_[candidate.state];
        states.push_back({candidate.regret, from.trail});
        for (size_t r = 0; r < rows_.size(); ++r)
            amount.push_back(amount_[candidate.state * rows_.size() + r] +
                             candidate.move->amount[r]);
        if (candidate.move == &item.moves.front()) continue;
        trails_.push_back({from.trail, item.item, candidate.move->entry});
        states.back().trail = static_cast<uint32_t>(trails_.size() - 1);
    }
    states_ = std::move(states), amount_ = std::move(amount);
}

size_t Beam::width_for(const std::vector<CoreItem>& items) const {
    double moves = 1;
    for (const CoreItem& item : items) moves += static_cast<double>(item.moves.size());
    return std::clamp(static_cast<size_t>(kWork / moves), size_t{1}, options_.width);
}

BeamResult Beam::run() {
    const auto items = core();
    const size_t width = width_for(items);
    add_first_state(items);
    looked_at_.resize(rows_.size());
    bool complete = true;
    for (size_t i = 0; i < items.size() && !states_.empty(); ++i) {
        auto candidates = successors(items[i], i + 1 < items.size() ? &items[i + 1] : nullptr);
        complete &= narrow(candidates, width);
        advance(candidates, items[i]);
    }
    return {std::move(better_), complete};
}

}  // namespace

BeamResult beam_search(const Mckp& problem, const DualBound& dual,
                       const std::vector<double>& regret, Selection start, double value,
                       const BeamOptions& options) {
    return Beam(problem, dual, regret, std::move(start), value, options).run();
}

}  // namespace bitgauge
