#pragma once

// The ratio of two sums over clusters, R = sum(s) / sum(c), with what an interval for it needs.
//
// Clusters are independent; whatever happens inside one is free. Thread-safe: no state.

#include <cstddef>
#include <span>

#include "bitgauge/estimate.h"

namespace bitgauge::stats {

// Sums and counts of one cluster; only clusters with a count take part.
struct RatioFit {
    double ratio = 0;           // sum(s) / sum(c); NaN without any count
    double standard_error = 0;  // of the ratio, see fit_ratio; 0 for fewer than two clusters
    double skewness = 0;        // of the clusters' contributions r_i
    double degrees = 0;         // of freedom of standard_error^2; 0 for fewer than two clusters
    size_t clusters = 0;        // with a count
};

// Residuals r_i = s_i - R c_i; variance sum(r_i^2 / (1 - c_i / C)) / C^2 with C = sum(c)
// [linearised ratio, Cochran 1977; CR2 correction, Bell & McCaffrey 2002], which for equal counts
// is the usual n / (n - 1). Degrees of freedom (sum c^2)^2 / sum c^4 - 1 [Satterthwaite 1946, for
// clusters whose own mean varies more than the scatter within explains].
RatioFit fit_ratio(std::span<const double> sums, std::span<const double> counts);

// Student's two-sided quantile and its inverse. `degrees` > 0; `confidence` in (0, 1).
double t_quantile(double degrees, double confidence);
double t_two_sided_p(double degrees, double t);

}  // namespace bitgauge::stats
