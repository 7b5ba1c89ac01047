#pragma once

// Square matrices in place: the other half of a symmetric one, and rows and columns in another
// order.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {

// Copies the lower triangle to the upper one.
void mirror_lower(std::vector<float>& matrix, size_t width);

// Entry (i, j) becomes that of (order[i], order[j]); `order` is a permutation.
void permute(std::vector<float>& matrix, std::span<const uint32_t> order);

}  // namespace bitgauge
