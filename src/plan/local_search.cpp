#include "plan/local_search.h"

#include <algorithm>
#include <limits>

namespace bitgauge {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr size_t kPairCandidates = 600;  // of least regret; all pairs of them are tried
constexpr int kRounds = 500;
constexpr double kLittle = 1e-4;  // of the bound: below it, regrets count as equal

// One item taking another entry.
struct Change {
    uint32_t item = 0, entry = 0;
};

// A selection with its totals.
class Position {
  public:
    Position(const Mckp& problem, Selection selection)
        : problem_(problem), selection_(std::move(selection)) {
        totals_ = totals_of(problem_, selection_);
    }

    const Selection& selection() const { return selection_; }
    double value() const { return totals_.value(); }
    uint32_t at(uint32_t item) const { return selection_[item]; }

    void take(const Change& change) {
        selection_[change.item] = change.entry;
        totals_ = totals_of(problem_, selection_);
    }

    // Totals after the changes, in place of `after`.
    void look(std::span<const Change> changes, Totals& after) const {
        after = totals_;
        for (const Change& change : changes) {
            const auto to = problem_.cost_of(change.entry);
            const auto from = problem_.cost_of(at(change.item));
            for (size_t k = 0; k < to.size(); ++k) after.cost[k] += to[k] - from[k];
            const auto more = problem_.use_of(change.entry);
            const auto less = problem_.use_of(at(change.item));
            for (size_t m = 0; m < more.size(); ++m) after.use[m] += more[m] - less[m];
        }
    }

    // Sum over the limits of what is beyond, as a share of the limit.
    double violation() const { return violation(totals_); }
    double violation(const Totals& totals) const {
        double sum = 0;
        for (size_t m = 0; m < totals.use.size(); ++m)
            sum += std::max(0.0, totals.use[m] - problem_.limit[m]) /
                   std::max(problem_.limit[m], std::numeric_limits<double>::min());
        return sum;
    }

  private:
    const Mckp& problem_;
    Selection selection_;
    Totals totals_;
};

// Entries that are not taken, with a regret below the limit.
std::vector<Change> candidates(const Mckp& problem, const std::vector<double>& regret,
                               const Position& position, double regret_limit) {
    std::vector<Change> changes;
    for (uint32_t i = 0; i < problem.items.size(); ++i)
        for (uint32_t e = problem.items[i].begin; e < problem.items[i].end; ++e)
            if (e != position.at(i) && regret[e] < regret_limit) changes.push_back({i, e});
    return changes;
}

void keep_least_regret(std::vector<Change>& changes, const std::vector<double>& regret,
                       size_t count) {
    std::stable_sort(changes.begin(), changes.end(), [&](const Change& a, const Change& b) {
        return regret[a.entry] < regret[b.entry];
    });
    if (changes.size() > count) changes.resize(count);
}

double regret_of(const std::vector<double>& all, std::span<const Change> changes,
                 const Position& position) {
    double regret = 0;
    for (const Change& c : changes) regret += all[c.entry] - all[position.at(c.item)];
    return regret;
}

// The change, or the two, with the lowest score; taken when it is below `limit`.
class Choice {
  public:
    Choice(Position& position, double limit) : position_(position), lowest_(limit) {}

    void single(std::span<const Change> changes, const auto& score) {
        for (const Change& change : changes) offer(std::span(&change, 1), score);
    }

    void pairs(std::span<const Change> changes, const auto& score) {
        for (size_t a = 0; a < changes.size(); ++a)
            for (size_t b = a + 1; b < changes.size(); ++b) {
                const Change both[] = {changes[a], changes[b]};
                if (both[0].item != both[1].item) offer(both, score);
            }
    }

    bool take() {
        for (const Change& change : best_) position_.take(change);
        return !best_.empty();
    }

  private:
    void offer(std::span<const Change> changes, const auto& score) {
        position_.look(changes, after_);
        const double value = score(changes, after_);
        if (value >= lowest_) return;
        lowest_ = value;
        best_.assign(changes.begin(), changes.end());
    }

    Position& position_;
    double lowest_;
    std::vector<Change> best_;
    Totals after_;
};

}  // namespace

LocalSearch::LocalSearch(const Mckp& problem, const std::vector<double>& regret, double bound)
    : problem_(problem), regret_(regret), bound_(bound) {}

std::optional<Selection> LocalSearch::repair(Selection selection) const {
    Position position(problem_, std::move(selection));
    for (int round = 0; position.violation() > 0; ++round) {
        if (round == kRounds) return std::nullopt;
        const double before = position.violation();
        const auto score = [&](std::span<const Change> changes, const Totals& after) {
            const double freed = before - position.violation(after);
            if (freed <= 0) return kNever;
            return (regret_of(regret_, changes, position) + kLittle * bound_) / freed;
        };
        auto changes = candidates(problem_, regret_, position, kNever);
        Choice choice(position, kNever);
        choice.single(changes, score);
        if (choice.take()) continue;
        keep_least_regret(changes, regret_, kPairCandidates);
        choice.pairs(changes, score);
        if (!choice.take()) return std::nullopt;
    }
    return position.selection();
}

Selection LocalSearch::improve(Selection selection) const {
    Position position(problem_, std::move(selection));
    for (int round = 0; round < kRounds; ++round) {
        const double value = position.value();
        const auto score = [&](std::span<const Change> changes, const Totals& after) {
            const double gain = value * (1 - 1e-12) - after.value();
            if (gain <= 0 || !keeps_limits(problem_, after)) return kNever;
            return regret_of(regret_, changes, position) / gain;
        };
        Choice choice(position, kNever);
        choice.single(candidates(problem_, regret_, position, value - bound_), score);
        if (!choice.take()) break;
    }
    return position.selection();
}

}  // namespace bitgauge
