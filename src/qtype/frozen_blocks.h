#pragma once

// Encoded rows whose scales stay while their integers are chosen anew.
//
// A weight of such a type is step * values[level] + offset, with a step and an offset for some
// consecutive weights. Rows are whole blocks, as encode_rows() leaves them. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge {

struct FrozenGrid {
    size_t step_weights = 0;        // consecutive weights with one step
    std::span<const float> values;  // ascending integers; as many as there are levels
    bool even = false;              // values are values[0] + level
    bool has_offset = false;        // else every offset is 0
};

// Q2_K to Q6_K, Q4_0 to Q8_0, IQ4_NL, IQ4_XS and MXFP4; nullptr for all other types.
const FrozenGrid* frozen_grid(int type_id);

// One of each per step_weights weights of the row.
void read_steps(int type_id, std::span<const std::byte> row, std::span<float> steps,
                std::span<float> offsets);

// One per weight. What no encoder writes (MXFP4's negative zero, Q8_0's -128) reads as its
// neighbour.
void read_levels(int type_id, std::span<const std::byte> row, std::span<uint8_t> levels);
void write_levels(int type_id, std::span<const uint8_t> levels, std::span<std::byte> row);

}  // namespace bitgauge
