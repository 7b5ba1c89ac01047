#pragma once

// Depth-first search over the entries that a better selection may take: a proof where there are few
// of them, a last try where there are many.

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/mckp.h"

namespace bitgauge {

struct BranchResult {
    std::optional<Selection> better;  // than the value given, within the limits
    bool complete = false;            // all were looked at, so nothing better than that exists
};

// `regret` per entry, as regrets() has it: a selection's value is at least bound + the sum of them.
// Looks at `nodes` partial selections at most.
BranchResult branch_search(const Mckp& problem, const std::vector<double>& regret, double bound,
                           double value, uint64_t nodes);

}  // namespace bitgauge
