#pragma once

// Made-up measurements that look like real ones: for tests and for the page's screenshot. Always
// the same; intervals are a fixed share of the value, not statistics.

#include <vector>

#include "bitgauge/record.h"

namespace bitgauge {

// Twelve files of four publishers against one baseline, 0.9 to 3.1 GiB, over 40 documents in three
// strata. Two of them nearly the same, one with a position that is not finite.
std::vector<MeasureRecord> example_records();

}  // namespace bitgauge
