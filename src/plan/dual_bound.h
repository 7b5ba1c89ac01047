#pragma once

// The best bound that prices of the limits give [Lagrange relaxation: Everett 1963; Geoffrion
// 1974], and the mixture of selections that reaches it. For these problems it equals the bound of
// the linear relaxation.

#include <optional>
#include <utility>
#include <vector>

#include "plan/mckp.h"

namespace bitgauge {

struct DualBound {
    double bound = 0;
    std::vector<double> weights;  // of objectives; they add up to 1
    std::vector<double> prices;   // of limits, value per unit
    // Selections that a mixture within the limits takes, with their shares.
    std::vector<std::pair<double, Selection>> mixture;
};

// Nothing where not even a mixture of selections keeps the limits.
std::optional<DualBound> dual_bound(const Mckp& problem);

// The bound and prices give each entry its regret: what taking it costs beyond its item's best
// entry, at these weights and prices. A selection's value is at least bound + sum of regrets.
std::vector<double> regrets(const Mckp& problem, const DualBound& dual);

}  // namespace bitgauge
