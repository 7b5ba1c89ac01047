#pragma once

// What every solver of the room hands back.

#include <vector>

#include "plan/mckp.h"

namespace bitgauge {

struct Answer {
    Selection selection;
    double bound = 0;             // no selection within the limits is below
    bool optimal = false;         // searched to the end
    std::vector<double> prices;   // value saved per unit of each limit, at the bound
    std::vector<double> weights;  // of objectives, at the bound; they add up to 1
};

}  // namespace bitgauge
