#pragma once

// The ratio R = sum(s) / sum(c) of two sums over clusters, the log ratio of two such, and their
// intervals.
//
// Clusters are independent; whatever happens inside one is free. Sums and counts are finite; a
// cluster without a count takes no part. Why these intervals: docs/decisions/0003-intervals.md.
// Thread-safe: no state.

#include <cstddef>
#include <span>

#include "bitgauge/estimate.h"

namespace bitgauge::stats {

// r_i = s_i - R c_i is what cluster i contributes to the error of R.
struct RatioFit {
    double ratio = 0;           // NaN without any count
    double standard_error = 0;  // 0 for fewer than two clusters
    double skewness = 0;        // of the r_i
    double degrees = 1;         // of freedom of the variance estimate, >= 1
    size_t clusters = 0;        // with a count
};

// Variance: sum(r_i^2 / (1 - c_i / C)) / C^2, C = sum(c) [linearised ratio, Cochran 1977; CR2, Bell
// & McCaffrey 2002]; for equal counts that is the usual n / (n - 1).
// Degrees of freedom: 1 / (1/d_size + 1/d_tail - 1/(n - 1)), where d_size = (sum c^2)^2 / sum c^4 -
// 1 [Satterthwaite 1946] pays for unequal clusters and d_tail = 2n / (excess kurtosis + 2n/(n - 1))
// for heavy tails (the variance of a sample variance); for equal counts and normal r_i both are n
// - 1.
RatioFit fit_ratio(std::span<const double> sums, std::span<const double> counts);

// ln(sum(a) / sum(b)) as such a fit, with r_i = a_i / sum(a) - b_i / sum(b): what makes a document
// hard for both cancels, so this decides between candidates sooner than their difference does.
// Requires comparable_as_ratio. Skewness is left 0.
RatioFit fit_log_ratio(std::span<const double> sums_a, std::span<const double> sums_b,
                       std::span<const double> counts);

// Both series without a negative sum and with a positive total.
bool comparable_as_ratio(std::span<const double> sums_a, std::span<const double> sums_b,
                         std::span<const double> counts);

// R -+ t * standard error. For log ratios: holds its level also at extreme confidence.
Estimate symmetric_interval(const RatioFit& fit, double confidence);

// The same after Hall's cubic transformation, which takes the skewness out of the studentised ratio
// [Hall 1992, J. R. Statist. Soc. B 54, 221]. For means
// and differences at 95 %; at extreme confidence it is too short on the side away from the tail.
Estimate skewness_corrected_interval(const RatioFit& fit, double confidence);

// Two-sided, for a true value of 0; the inverse of symmetric_interval. 1 for fewer than two
// clusters.
double two_sided_p(const RatioFit& fit);

// Whether symmetric_interval(fit, confidence) lies within [-margin, margin].
bool interval_within(const RatioFit& fit, double confidence, double margin);

}  // namespace bitgauge::stats
