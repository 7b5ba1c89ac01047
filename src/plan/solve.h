#pragma once

// The solver for a problem's shape: the hull where there is one objective and one limit, prices of
// the limits and searches otherwise.

#include <optional>

#include "plan/answer.h"
#include "plan/mckp.h"

namespace bitgauge {

// Nothing where no selection within the limits was found; `proven` then says whether none exists.
struct Solved {
    std::optional<Answer> answer;
    bool proven = false;
};
Solved solve(const Mckp& problem);

}  // namespace bitgauge
