#pragma once

// All pairs of candidates over the same clusters, and which of them are decided.
//
// Thread-safe: no state.

#include <cstddef>
#include <span>
#include <vector>

#include "stats/ratio.h"

namespace bitgauge::stats {

// Candidates `a` < `b`.
struct Pair {
    size_t a = 0, b = 0;
    RatioFit test;              // ln(mean a / mean b), or mean a - mean b; positive: a is higher
    bool on_log_scale = false;  // which of the two: the first where both are positive
    double p_value = 1;         // two-sided, for equal means
};

Pair test_pair(std::span<const double> sums_a, std::span<const double> sums_b,
               std::span<const double> counts);

RatioFit fit_difference(std::span<const double> sums_a, std::span<const double> sums_b,
                        std::span<const double> counts);

// In ascending order of p-value.
std::vector<Pair> pairs_by_p_value(std::span<const std::vector<double>> sums,
                                   std::span<const double> counts);

// How many of `pairs` (as above) are decided with family-wise error `alpha`: the k-th of m is while
// p <= alpha / (m - k), k from 0, and all before it were. [Holm 1979]
size_t holm_decided(std::span<const Pair> pairs, double alpha);

// 1 + the number of candidates that `decided` pairs show to be lower.
std::vector<int> ranks_from(std::span<const Pair> decided, size_t candidates);

}  // namespace bitgauge::stats
