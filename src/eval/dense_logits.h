#pragma once

// All logits of a few positions at once, for checks and for files that hold them all.

#include <span>
#include <vector>

#include "engine/head.h"

namespace bitgauge {

// Row i holds the head's vocabulary() logits after row i of `states` (not rounded yet; width()
// values each). Memory: that many floats, and a tile of decoded weights.
std::vector<float> dense_logits(const Head& head, std::span<const float> states);

}  // namespace bitgauge
