#pragma once

// The inner loop of rounding with error feedback: a block of columns of a tile of rows.
//
// A tile holds kTileRows rows by columns: the value of row r in column k at [k * kTileRows + r].
// Tiles begin at a line of the cache. Compiled once per instruction set. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <span>

#include "qtype/frozen_blocks.h"

namespace bitgauge {

constexpr size_t kTileRows = 128;
constexpr size_t kColumnsAtOnce = 8;  // a block's columns are a multiple of it

struct ColumnBlock {
    size_t columns;
    const float* target;    // of each column: w
    float* errors;          // in: w and the feedback of other blocks; out: w - v
    const float* feedback;  // [i * stride + k]: what an error of 1 in column i < k adds to k
    size_t stride;
    const uint32_t* groups;  // of each column, the place of its steps
    // By group, each kTileRows values. `inverses` is 1 / step, 0 where that is not finite.
    const float* steps;
    const float* inverses;
    const float* offsets;
    uint8_t* levels;  // out
};

// Each column in turn: v = the value of the grid nearest to w and the feedback of the errors
// before.
void round_columns(const FrozenGrid& grid, const ColumnBlock& block);

// Rows of `width` values to columns: channel c to columns[places[c] * kTileRows], of kTileRows
// rows.
void load_columns(const float* rows, size_t width, const uint32_t* places, float* columns);

// Neither NaN nor infinite.
bool are_finite(std::span<const float> values);

}  // namespace bitgauge
