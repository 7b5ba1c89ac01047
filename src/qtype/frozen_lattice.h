#pragma once

// Encoded rows of IQ2 and IQ3 whose scales stay while their grid points and signs are chosen anew.
//
// Eight weights in a row are a unit: one grid point of eight levels or two of four, and eight
// signs. Weight i is step * values[level i], negative where bit i of the signs is set. Rows are
// whole blocks, as encode_rows() leaves them. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <span>

#include "qtype/lattice.h"

namespace bitgauge {

constexpr size_t kUnitWeights = 8;

struct FrozenLattice {
    LatticeKind kind;
    size_t step_weights;            // consecutive weights with one step
    bool even_signs;                // only even numbers of minus signs in a unit
    std::span<const float> values;  // of each level, ascending
};

struct UnitPoint {
    uint16_t index[2];  // places in ggml's grid; the second is 0 where a point has eight levels
    uint8_t signs;

    bool operator==(const UnitPoint&) const = default;
};

// IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS and IQ3_S; nullptr for all other types.
const FrozenLattice* frozen_lattice(int type_id);

// One per step_weights weights of the row; never negative but where the block's scale is.
void read_lattice_steps(int type_id, std::span<const std::byte> row, std::span<float> steps);

// One per unit of the row.
void read_points(int type_id, std::span<const std::byte> row, std::span<UnitPoint> points);
// Odd numbers of signs cannot be written where `even_signs` is set; the last is then left out.
void write_points(int type_id, std::span<const UnitPoint> points, std::span<std::byte> row);

}  // namespace bitgauge
