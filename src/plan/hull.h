#pragma once

// The linear relaxation of a problem with one objective and one limit, for all limits at once.
//
// Lower convex hulls of the items, all segments merged by slope [Sinha & Zoltners 1979; Dyer 1984,
// Zemel 1984]: taking segments in this order is optimal at the end of each, and within one the
// relaxation lies on the straight line.

#include <cstdint>
#include <vector>

#include "plan/mckp.h"

namespace bitgauge {

struct HullStep {
    uint32_t item = 0;
    uint32_t from = 0, to = 0;  // entries
    double price = 0;           // cost saved per use; never rises
    double use = 0, cost = 0;   // of all items after the step
};

struct Hull {
    Selection smallest;  // the least use
    double smallest_use = 0, smallest_cost = 0;
    std::vector<HullStep> steps;
};

// Requires one objective and one limit; the limit's value does not matter.
Hull make_hull(const Mckp& problem);

// How many steps fit in `limit`; requires limit >= smallest_use.
size_t steps_within(const Hull& hull, double limit);

// Least cost of the relaxation; requires limit >= smallest_use.
double relaxed_cost(const Hull& hull, double limit);

// After `count` steps.
Selection selection_after(const Hull& hull, size_t count);

}  // namespace bitgauge
