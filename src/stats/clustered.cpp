#include <algorithm>
#include <cmath>

#include "bitgauge/stats.h"

#include "stats/ratio.h"

namespace bitgauge {

Estimate clustered_mean(std::span<const double> sums, std::span<const double> counts) {
    const stats::RatioFit fit = stats::fit_ratio(sums, counts);
    Estimate mean;
    mean.value = fit.ratio;
    if (fit.clusters < 2) return mean;
    const double half = stats::t_quantile(fit.degrees, 0.95) * fit.standard_error;
    mean.low = fit.ratio - half;
    mean.high = fit.ratio + half;
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
