#include "plan/mckp.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace bitgauge {
namespace {

using Entries = std::vector<MckpEntry>;

bool before(const MckpEntry& a, const MckpEntry& b) {
    return std::tie(a.use, a.cost, a.option) < std::tie(b.use, b.cost, b.option);
}

bool no_worse(const MckpEntry& a, const MckpEntry& b) {
    const auto below = [](const auto& x, const auto& y) {
        return std::equal(x.begin(), x.end(), y.begin(), std::less_equal<>());
    };
    return below(a.use, b.use) && below(a.cost, b.cost);
}

// Entries in order of their numbers, without those another one is no worse than everywhere. One
// that beats another stands before it.
Entries useful(Entries entries) {
    std::sort(entries.begin(), entries.end(), before);
    Entries kept;
    for (auto& entry : entries) {
        const auto beats = [&](const MckpEntry& other) { return no_worse(other, entry); };
        if (std::none_of(kept.begin(), kept.end(), beats)) kept.push_back(std::move(entry));
    }
    return kept;
}

bool item_before(const Entries& a, const Entries& b) {
    const auto less = [](const MckpEntry& x, const MckpEntry& y) {
        return std::tie(x.use, x.cost) < std::tie(y.use, y.cost);
    };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), less);
}

void append(Mckp& problem, const Entries& entries, uint32_t origin) {
    const auto begin = static_cast<uint32_t>(problem.entries());
    for (const auto& entry : entries) {
        problem.option.push_back(entry.option);
        problem.cost.insert(problem.cost.end(), entry.cost.begin(), entry.cost.end());
        problem.use.insert(problem.use.end(), entry.use.begin(), entry.use.end());
    }
    problem.items.push_back({begin, static_cast<uint32_t>(problem.entries()), origin});
}

}  // namespace

Mckp make_mckp(std::vector<Entries> items, size_t objectives, std::vector<double> limit) {
    for (auto& entries : items) entries = useful(std::move(entries));
    std::vector<uint32_t> order(items.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return item_before(items[a], items[b]); });
    Mckp problem{.objectives = objectives, .limit = std::move(limit)};
    for (const uint32_t origin : order) append(problem, items[origin], origin);
    return problem;
}

bool has_selections(const Mckp& problem) {
    return std::all_of(problem.items.begin(), problem.items.end(),
                       [](const Mckp::Item& item) { return item.begin < item.end; });
}

double Totals::value() const {
    return *std::max_element(cost.begin(), cost.end());
}

Totals totals_of(const Mckp& problem, const Selection& selection) {
    Totals totals{std::vector<double>(problem.objectives), std::vector<double>(problem.limits())};
    for (const uint32_t entry : selection) {
        const auto cost = problem.cost_of(entry), use = problem.use_of(entry);
        for (size_t k = 0; k < cost.size(); ++k) totals.cost[k] += cost[k];
        for (size_t m = 0; m < use.size(); ++m) totals.use[m] += use[m];
    }
    return totals;
}

bool keeps_limits(const Mckp& problem, const Totals& totals) {
    return std::equal(totals.use.begin(), totals.use.end(), problem.limit.begin(),
                      std::less_equal<>());
}

double smallest_use(const Mckp& problem, size_t row) {
    double sum = 0;
    for (const auto& item : problem.items) {
        double least = problem.use_of(item.begin)[row];
        for (uint32_t e = item.begin; e < item.end; ++e)
            least = std::min(least, problem.use_of(e)[row]);
        sum += least;
    }
    return sum;
}

}  // namespace bitgauge
