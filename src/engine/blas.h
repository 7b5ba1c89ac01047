#pragma once

// OpenBLAS's matrix product; private to this room.

#include <cstddef>
#include <span>

namespace bitgauge {

// out = left * right^T: `left` has `rows` rows and `right` `columns` rows of `width` floats each;
// `out` has `rows` rows of `columns`. Runs in the calling thread. Thread-safe. Error(kEnvironment)
// when OpenBLAS cannot be loaded.
void multiply_transposed(std::span<const float> left, size_t rows, std::span<const float> right,
                         size_t columns, size_t width, std::span<float> out);

}  // namespace bitgauge
