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

// `start` is a selection of little regret that may break limits; `regret` is per entry, as
// regrets() has it. Keeps `width` partial changes of `start` per item.
BeamResult beam_search(const Mckp& problem, const DualBound& dual,
                       const std::vector<double>& regret, Selection start, double value,
                       size_t width);

}  // namespace bitgauge
