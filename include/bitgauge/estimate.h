#pragma once

// A number with its uncertainty: what every measured figure is passed around as.

#include <limits>

namespace bitgauge {

// `low` and `high` bound a 95 % confidence interval unless a function says otherwise; both are NaN
// where no interval could be had (fewer than two clusters, a sample too small to bound it), which
// prints as "n/a".
struct Estimate {
    double value = std::numeric_limits<double>::quiet_NaN();
    double low = std::numeric_limits<double>::quiet_NaN();
    double high = std::numeric_limits<double>::quiet_NaN();

    bool has_interval() const { return low == low && high == high; }
    double half_width() const { return (high - low) / 2; }
};

}  // namespace bitgauge
