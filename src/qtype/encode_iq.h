#pragma once

// What the encoders of IQ1, IQ2 and IQ3 share outside of vector code.

#include <cstddef>
#include <cstdint>

namespace bitgauge {

constexpr size_t kIqBlockWeights = 256;

// Which groups of a sub-block are rounded once more with the scale found: those that the best
// trial had to move onto the grid, all as soon as there is one, or all.
enum class Refit { kOffGrid, kAllWhenAny, kAlways };

// Rows as one run of super-blocks of 256 weights.
struct IqRows {
    const float* weights;
    size_t rows;
    size_t row_weights;
    const float* importance;  // nullptr: none
    const char* type;         // for messages

    size_t row_blocks() const { return row_weights / kIqBlockWeights; }
    size_t blocks() const { return rows * row_blocks(); }
    const float* weights_of(size_t block) const { return weights + block * kIqBlockWeights; }
    const float* importance_of(size_t block) const {
        if (importance == nullptr) return nullptr;
        return importance + block % row_blocks() * kIqBlockWeights;
    }

    // Throws Error(kInput) without importance.
    void require_importance() const;
    // Throws Error(kNotFinite) where one of the 256 weights is no number.
    void require_numbers(size_t block) const;
    // Throws Error(kNotFinite): no grid point has a finite distance to weights in or after `block`.
    [[noreturn]] void refuse(size_t block) const;
};

// Scale of a sub-block in steps of `unit`, as ggml rounds it: (scale * inverse - 1) / 2, in 0..top.
int32_t iq_scale_code(float scale, float inverse, int32_t top);

// Bits of the nearest binary16.
uint16_t iq_half(float value);

}  // namespace bitgauge
