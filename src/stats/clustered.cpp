#include <algorithm>
#include <cmath>

#include "bitgauge/stats.h"

#include "stats/ratio.h"

namespace bitgauge {

namespace {

bool any_negative(std::span<const double> sums) {
    return std::any_of(sums.begin(), sums.end(), [](double s) { return s < 0; });
}

}  // namespace

Estimate clustered_mean(std::span<const double> sums, std::span<const double> counts) {
    Estimate mean = stats::skewness_corrected_interval(stats::fit_ratio(sums, counts), 0.95);
    if (mean.has_interval() && !any_negative(sums)) mean.low = std::max(mean.low, 0.0);
    return mean;
}

Estimate clustered_exp_mean(std::span<const double> sums, std::span<const double> counts) {
    const Estimate mean = clustered_mean(sums, counts);
    return {std::exp(mean.value), std::exp(mean.low), std::exp(mean.high)};
}

Estimate clustered_root_mean(std::span<const double> sums, std::span<const double> counts) {
    const Estimate mean = clustered_mean(sums, counts);
    const auto root = [](double x) { return std::isnan(x) ? x : std::sqrt(std::max(x, 0.0)); };
    return {root(mean.value), root(mean.low), root(mean.high)};
}

}  // namespace bitgauge
