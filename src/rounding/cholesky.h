#pragma once

// Cholesky's factor of a matrix in tiles (Buttari et al. 2009), on all threads.

#include "rounding/tiled_triangle.h"

namespace bitgauge {

// matrix = R^T R with upper R, left in it. False where the matrix is not positive definite to
// rounding; it is then spoiled. The same factor whatever the threads.
bool factor_cholesky_tiled(TiledTriangle& matrix);

}  // namespace bitgauge
