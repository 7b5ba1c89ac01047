#pragma once

// The parts of text_overlap() (bitgauge/text.h); private to this room.

#include <cstddef>
#include <string>

#include "bitgauge/text.h"

namespace bitgauge {

// With another bound on the hashes in memory: the result is the same.
TextOverlap text_overlap_in_parts(const Corpus& a, const Corpus& b, size_t n, size_t most_hashes);

}  // namespace bitgauge
