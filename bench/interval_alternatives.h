#pragma once

// Intervals for a clustered mean that bitgauge does not use, to be compared with the one it does.
// For bench/coverage only. docs/decisions/0003-intervals.md weighs them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/estimate.h"

namespace bitgauge::bench {

struct NamedInterval {
    std::string name;
    Estimate interval;
};

// Of sum(sums) / sum(counts) at 95 %, from the same clusters: Student's t with n - 1 degrees and
// with bitgauge's; the same on the log scale; Johnson's modified t [Johnson 1978]; Hall's
// transformation with n - 1 degrees and with bitgauge's [Hall 1992]; bootstrap-t and BCa over
// clusters with 999 resamples [Efron & Tibshirani 1993]. Sums are positive.
std::vector<NamedInterval> all_intervals(std::span<const double> sums,
                                         std::span<const double> counts, uint64_t seed);

}  // namespace bitgauge::bench
