#pragma once

// The loops of divergence.cpp in SIMD: Highway picks the widest instructions of the machine at run
// time. Sums are kept in single precision over one tile (a few hundred entries) and are accurate to
// about 1e-7 of their value; callers add tiles in double.

#include <cstdint>
#include <span>

namespace bitgauge {

struct TileMaximum {
    float value = 0;
    int32_t index = 0;  // lowest index of the value; 0 when every entry is NaN
};
TileMaximum tile_maximum(std::span<const float> values);

// out[i] = values[i] > floor ? exp(values[i] - shift) : 0; returns their sum.
float exponentials(std::span<const float> values, float shift, float floor, std::span<float> out);

struct TileSums {
    double exponentials = 0;  // sum of exp(candidate - shift)
    double cross = 0;         // sum of weights * (reference - candidate - offset)
};
TileSums cross_sums(std::span<const float> reference, std::span<const float> weights,
                    std::span<const float> candidate, float shift, float offset);

}  // namespace bitgauge
