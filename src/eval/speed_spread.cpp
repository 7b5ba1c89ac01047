#include "eval/speed_spread.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stats/ratio.h"

namespace bitgauge {

Spread spread_of(std::span<const double> values) {
    if (values.empty()) return {};
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const size_t n = sorted.size();
    return {(sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sorted.front(), sorted.back()};
}

Estimate paired_ratio(std::span<const double> a, std::span<const double> b) {
    std::vector<double> logs;
    for (size_t i = 0; i < a.size(); ++i) logs.push_back(std::log(a[i] / b[i]));
    const std::vector<double> ones(logs.size(), 1.0);
    const Estimate log = stats::symmetric_interval(stats::fit_ratio(logs, ones), 0.95);
    return {std::exp(log.value), std::exp(log.low), std::exp(log.high)};
}

}  // namespace bitgauge
