#pragma once

// The score interval of a share with the normal quantile as a number, and that quantile: what the
// intervals of answers have in common. Thread-safe: no state.

#include <string>

#include "bitgauge/estimate.h"

namespace bitgauge::stats {

// `share` is what lies in the open interval (0, 1); Error(kInput) with `name` otherwise.
void require_open_share(double share, const std::string& name);

// The z that a standard normal stays below with probability `p` in (0, 1).
double normal_quantile(double p);
// The z of a two-sided interval of `confidence` in (0, 1): 1.96 for 0.95.
double two_sided_z(double confidence);

// [Wilson 1927]. All NaN for n = 0.
Estimate wilson(double successes, double n, double z);

}  // namespace bitgauge::stats
