#pragma once

// Symmetric matrices that are given by their lower triangle, in another order. On all threads.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rounding/tiled_triangle.h"

namespace bitgauge {

// Both halves of the symmetric matrix whose lower triangle is given, times `factor`.
std::vector<float> mirrored(const std::vector<float>& lower, size_t width, float factor);

// Entry (i, j) becomes that of (order[i], order[j]); `order` is a permutation.
void permute(std::vector<float>& matrix, std::span<const uint32_t> order);

// The upper triangle of such a matrix in another order, times `factor`, from its lower one: entry
// (i, j) is that of (order[i], order[j]).
TiledTriangle permuted_tiles(const std::vector<float>& lower, float factor,
                             std::span<const uint32_t> order);

}  // namespace bitgauge
