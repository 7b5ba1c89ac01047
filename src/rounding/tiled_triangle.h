#pragma once

// The upper triangle of a symmetric matrix in square tiles, each one piece of memory: a product of
// two of them stays in the first cache.

#include <cstddef>
#include <cstdint>

#include "rounding/aligned.h"

namespace bitgauge {

constexpr size_t kSide = 48;  // rows and columns of a tile

// What is beyond the width in the last tiles are the rows of a unit matrix. Thread-compatible.
class TiledTriangle {
  public:
    // Zeros.
    explicit TiledTriangle(size_t width)
        : width_(width),
          tiles_((width + kSide - 1) / kSide),
          values_(tiles_ * (tiles_ + 1) / 2 * kSide * kSide) {
        for (size_t i = width; i < tiles_ * kSide; ++i) at(i, i) = 1;
    }

    size_t width() const { return width_; }
    size_t tiles() const { return tiles_; }  // on a side

    // [kSide][kSide], row after row, of tile row i and tile column j >= i.
    float* tile(size_t i, size_t j) { return values_.data() + offset(i, j); }
    const float* tile(size_t i, size_t j) const { return values_.data() + offset(i, j); }

    // Entry (i, j) stands at row_offset(i) + column_offset(j) of the values.
    static uint32_t row_offset(size_t i) { return static_cast<uint32_t>(i * kSide); }
    static uint32_t column_offset(size_t j) {
        const size_t tile = j / kSide;
        return static_cast<uint32_t>(tile * (tile + 1) / 2 * kSide * kSide + j % kSide);
    }
    float* values() { return values_.data(); }
    float& at(size_t i, size_t j) { return values_[row_offset(i) + column_offset(j)]; }
    float at(size_t i, size_t j) const { return values_[row_offset(i) + column_offset(j)]; }

  private:
    static size_t offset(size_t i, size_t j) { return (j * (j + 1) / 2 + i) * kSide * kSide; }

    size_t width_;
    size_t tiles_;
    AlignedVector<float> values_;
};

}  // namespace bitgauge
