#pragma once

// Arithmetic on the tiles of a TiledTriangle. Compiled once per instruction set. Thread-safe.

#include <cstddef>

#include "rounding/tiled_triangle.h"

namespace bitgauge {

// c -= a^T b, of which the first `columns` columns count.
void subtract_product(const float* a, const float* b, size_t columns, float* c);

// c -= a^T a, in its upper triangle.
void subtract_gram(const float* a, float* c);

// c = R^T R: leaves R in the upper triangle, and one over its diagonal in `inverses`. False where
// c is not positive definite to rounding.
bool factor_tile(float* c, float* inverses);

// c = R^-T c, of which the first `columns` columns count, with R and `inverses` of factor_tile().
void divide_tile(const float* r, const float* inverses, size_t columns, float* c);

}  // namespace bitgauge
