#pragma once

// One objective, one limit: from the break solution of the hull to the best selection, or nearly.

#include <cstddef>

#include "plan/answer.h"
#include "plan/hull.h"
#include "plan/mckp.h"

namespace bitgauge {

struct CoreSearch {
    // States kept per item: 1000 ends nearly all searches of models with a proof.
    size_t width = 1000;
    // Of the bound: the search ends when the answer is this near to it.
    double good_enough = 1e-9;
};

// Requires one objective and one limit that is at least hull.smallest_use.
Answer solve_with_hull(const Mckp& problem, const Hull& hull, const CoreSearch& search = {});

}  // namespace bitgauge
