#pragma once

// Symmetric matrices that are given by their lower triangle, in another order.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {

// Both halves of the symmetric matrix whose lower triangle is given, times `factor`.
std::vector<float> mirrored(const std::vector<float>& lower, size_t width, float factor);

// Entry (i, j) becomes that of (order[i], order[j]); `order` is a permutation. kLower: only for
// j <= i, what is above is spoiled.
enum class Half { kBoth, kLower };
void permute(std::vector<float>& matrix, std::span<const uint32_t> order, Half half);

}  // namespace bitgauge
