#pragma once

// The multiple-choice knapsack in columns of numbers: of each item exactly one entry is taken, the
// sums of uses stay within limits, and the largest sum of costs (of several: domains) is minimised.
//
// Items, and entries of an item, are in an order of their numbers alone, and entries that another
// one beats everywhere are left out, so what is computed here does not depend on the caller's
// order.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {

struct Mckp {
    struct Item {
        uint32_t begin = 0, end = 0;  // its entries
        uint32_t origin = 0;          // index of the caller's item
    };
    size_t objectives = 1;
    std::vector<Item> items;
    std::vector<uint32_t> option;  // per entry: index of the caller's option
    std::vector<double> cost;      // per entry and objective
    std::vector<double> use;       // per entry and limit
    std::vector<double> limit;

    size_t limits() const { return limit.size(); }
    size_t entries() const { return option.size(); }
    std::span<const double> cost_of(uint32_t entry) const {
        return {cost.data() + entry * objectives, objectives};
    }
    std::span<const double> use_of(uint32_t entry) const {
        return {use.data() + entry * limits(), limits()};
    }
};

// What the caller has, before it is ordered. Sizes: `cost` objectives, `use` limits.
struct MckpEntry {
    uint32_t option = 0;
    std::vector<double> cost, use;
};
Mckp make_mckp(std::vector<std::vector<MckpEntry>> items, size_t objectives,
               std::vector<double> limit);

// Whether every item has an entry; otherwise there is no selection.
bool has_selections(const Mckp& problem);

using Selection = std::vector<uint32_t>;  // one entry per item of an Mckp

struct Totals {
    std::vector<double> cost, use;

    double value() const;  // what is minimised: the largest cost
};
Totals totals_of(const Mckp& problem, const Selection& selection);

bool keeps_limits(const Mckp& problem, const Totals& totals);

// Sum of an item-wise minimum: the least use of limit `row` that any selection has.
double smallest_use(const Mckp& problem, size_t row);

}  // namespace bitgauge
