#pragma once

// Sums of squares over many rows, channel by channel: what importance is made of. Highway picks the
// widest instructions of the machine at run time.

#include <span>

namespace bitgauge {

// sums[c] += rows[0][c]^2 + rows[1][c]^2 + ..., in this order and in double precision. The square
// of a single-precision number is exact there, so the result has the same bits on every machine,
// and however the rows are divided among calls. Each row has sums.size() values.
void add_squares(std::span<const float* const> rows, std::span<double> sums);

// Neither NaN nor infinity among them.
bool all_finite(std::span<const double> values);

}  // namespace bitgauge
