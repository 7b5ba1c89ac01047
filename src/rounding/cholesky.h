#pragma once

// Cholesky's factor of large matrices by products alone, on all threads.

#include "linear/blas.h"

namespace bitgauge {

// As factor_cholesky(): panels are divided by the inverse of their corner, and what is left is
// updated square by square on TBB's threads. The same factor whatever the threads.
bool factor_cholesky_blocked(Matrix matrix);

}  // namespace bitgauge
