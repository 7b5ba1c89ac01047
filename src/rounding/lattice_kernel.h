#pragma once

// The inner loop of rounding units of eight columns to points of a grid, with error feedback.
//
// Tiles and blocks are those of feedback_kernel.h. Compiled once per instruction set. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <span>

#include "qtype/frozen_lattice.h"

#include "rounding/feedback_kernel.h"
#include "rounding/unit_metric.h"

namespace bitgauge {

// `block.columns` are whole units in their order; `block.feedback` is that of join_units(). Its
// `groups`, `offsets` and `levels` are not used: `groups[u]` of this is the place of a unit's
// steps, and point r of unit u is left at points[u * kTileRows + r].
struct UnitBlock {
    ColumnBlock block;
    const UnitMetric* metrics;
    const uint32_t* groups;
    UnitPoint* points;
};

// Each unit in turn: the point and signs with the least (t - v) S (t - v)^T that the search finds
// for w and the feedback before, t. All points of a grid of eight levels are compared with the
// signs of t (an odd number of them: one changed); of grids of four, all points of the first half
// with what it costs by itself, then all of the second behind the best. The best few points go
// through changes of signs, one or two at once, until none helps.
void round_units(const FrozenLattice& lattice, const UnitBlock& block);

}  // namespace bitgauge
