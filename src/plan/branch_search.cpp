#include "plan/branch_search.h"

#include <algorithm>
#include <limits>

namespace bitgauge {
namespace {

struct Branch {
    uint32_t item;
    std::vector<uint32_t> entries;  // of least regret first
    std::vector<double> least_use;  // of this item and all that follow
    std::vector<double> least_cost;
};

class Descent {
  public:
    Descent(const Mckp& problem, const std::vector<double>& regret, double bound, double value,
            uint64_t nodes)
        : problem_(problem), regret_(regret), bound_(bound), value_(value), nodes_(nodes) {
        collect();
        now_.cost.assign(problem.objectives, 0);
        now_.use.assign(problem.limits(), 0);
    }

    BranchResult run() {
        selection_.resize(problem_.items.size());
        go(0, 0);
        return {std::move(better_), nodes_ > 0};
    }

  private:
    void collect();
    void add_up_least();
    void go(size_t depth, double regret);
    void step(size_t depth, uint32_t entry, double regret);
    bool hopeless(size_t depth) const;
    void finish();

    const Mckp& problem_;
    const std::vector<double>& regret_;
    double bound_, value_;
    uint64_t nodes_;
    std::vector<Branch> branches_;
    Selection selection_;
    Totals now_;
    std::optional<Selection> better_;
};

// The items whose second choice costs most come first: few branches at the top.
void Descent::collect() {
    const double gap = value_ - bound_;
    for (uint32_t i = 0; i < problem_.items.size(); ++i) {
        Branch branch{.item = i};
        for (uint32_t e = problem_.items[i].begin; e < problem_.items[i].end; ++e)
            if (regret_[e] < gap) branch.entries.push_back(e);
        std::stable_sort(branch.entries.begin(), branch.entries.end(),
                         [&](uint32_t a, uint32_t b) { return regret_[a] < regret_[b]; });
        branches_.push_back(std::move(branch));
    }
    const auto second = [&](const Branch& b) {
        return b.entries.size() < 2 ? std::numeric_limits<double>::infinity()
                                    : regret_[b.entries[1]];
    };
    std::stable_sort(branches_.begin(), branches_.end(),
                     [&](const Branch& a, const Branch& b) { return second(a) > second(b); });
    add_up_least();
}

void Descent::add_up_least() {
    std::vector<double> use(problem_.limits()), cost(problem_.objectives);
    const auto least = [&](const Branch& branch, auto numbers, size_t at) {
        double lowest = std::numeric_limits<double>::infinity();
        for (const uint32_t e : branch.entries) lowest = std::min(lowest, numbers(e)[at]);
        return lowest;
    };
    for (size_t b = branches_.size(); b-- > 0;) {
        const auto uses = [&](uint32_t e) { return problem_.use_of(e); };
        const auto costs = [&](uint32_t e) { return problem_.cost_of(e); };
        for (size_t m = 0; m < use.size(); ++m) use[m] += least(branches_[b], uses, m);
        for (size_t k = 0; k < cost.size(); ++k) cost[k] += least(branches_[b], costs, k);
        branches_[b].least_use = use, branches_[b].least_cost = cost;
    }
}

bool Descent::hopeless(size_t depth) const {
    const Branch& rest = branches_[depth];
    for (size_t m = 0; m < now_.use.size(); ++m)
        if (now_.use[m] + rest.least_use[m] > problem_.limit[m] * (1 + 1e-12)) return true;
    for (size_t k = 0; k < now_.cost.size(); ++k)
        if (now_.cost[k] + rest.least_cost[k] >= value_ * (1 + 1e-12)) return true;
    return false;
}

void Descent::finish() {
    const auto totals = totals_of(problem_, selection_);
    if (totals.value() >= value_ || !keeps_limits(problem_, totals)) return;
    value_ = totals.value();
    better_ = selection_;
}

void Descent::step(size_t depth, uint32_t entry, double regret) {
    const Totals before = now_;
    const auto cost = problem_.cost_of(entry), use = problem_.use_of(entry);
    for (size_t k = 0; k < cost.size(); ++k) now_.cost[k] += cost[k];
    for (size_t m = 0; m < use.size(); ++m) now_.use[m] += use[m];
    selection_[branches_[depth].item] = entry;
    go(depth + 1, regret + regret_[entry]);
    now_ = before;
}

void Descent::go(size_t depth, double regret) {
    if (depth == branches_.size()) return finish();
    for (const uint32_t entry : branches_[depth].entries) {
        if (nodes_ == 0 || hopeless(depth)) return;
        if (bound_ + regret + regret_[entry] >= value_) return;
        --nodes_;
        step(depth, entry, regret);
    }
}

}  // namespace

BranchResult branch_search(const Mckp& problem, const std::vector<double>& regret, double bound,
                           double value, uint64_t nodes) {
    return Descent(problem, regret, bound, value, nodes).run();
}

}  // namespace bitgauge
