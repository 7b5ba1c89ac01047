#pragma once

// From a selection to one that keeps the limits, and to a better one, by changing few items.

#include <optional>
#include <vector>

#include "plan/mckp.h"

namespace bitgauge {

class LocalSearch {
  public:
    // `regret` per entry, as regrets() has it; `bound` is what it is measured from.
    LocalSearch(const Mckp& problem, const std::vector<double>& regret, double bound);

    // A selection that keeps the limits, from one that may not; nothing where no change of one or
    // two items leads on.
    std::optional<Selection> repair(Selection selection) const;

    // Changes of one item until none helps. Requires a selection that keeps the limits. Only
    // entries with a regret below the gap to the bound can be in a better one.
    Selection improve(Selection selection) const;

  private:
    const Mckp& problem_;
    const std::vector<double>& regret_;
    double bound_;
};

}  // namespace bitgauge
