#pragma once

// Several limits, or several objectives: from prices of the limits to a selection near the bound.

#include <cstddef>
#include <optional>
#include <vector>

#include "plan/dual_bound.h"
#include "plan/mckp.h"

namespace bitgauge {

struct BeamResult {
    std::optional<Selection> better;  // than the value given, within the limits
    bool complete = false;            // nothing was left out, so nothing better than that exists
};

// Which items are changed first: large ones, so that small ones fill what they leave; or those
// whose change costs least per value moved. Neither is better on all problems.
enum class BeamOrder { kLargeFirst, kNearFirst };

struct BeamOptions {
    BeamOrder order = BeamOrder::kLargeFirst;
    size_t width = 300;  // partial changes kept per item; fewer where items have many entries
};

// `start` is a selection of little regret that may break limits; `regret` is per entry, as
// regrets() has it.
BeamResult beam_search(const Mckp& problem, const DualBound& dual,
                       const std::vector<double>& regret, Selection start, double value,
                       const BeamOptions& options);

}  // namespace bitgauge
