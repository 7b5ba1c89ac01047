#pragma once

// Arithmetic of a few repetitions. Pure, thread-safe.

#include <span>

#include "bitgauge/speed.h"

namespace bitgauge {

Spread spread_of(std::span<const double> values);

// exp of the mean of ln(a[i] / b[i]) over repetitions that were taken in turns, 95 % by Student's t
// on the log ratios. All NaN without a value; no interval for one.
Estimate paired_ratio(std::span<const double> a, std::span<const double> b);

}  // namespace bitgauge
