#include "stats/ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/distributions/students_t.hpp>

namespace bitgauge::stats {

namespace {

struct Totals {
    double sum = 0, count = 0, count2 = 0, count4 = 0;
    size_t clusters = 0;
};

Totals totals_of(std::span<const double> sums, std::span<const double> counts) {
    Totals t;
    for (size_t i = 0; i < counts.size(); ++i) {
        const double c = counts[i];
        if (!(c > 0)) continue;
        t.sum += sums[i];
        t.count += c;
        t.count2 += c * c;
        t.count4 += c * c * c * c;
        ++t.clusters;
    }
    return t;
}

}  // namespace

RatioFit fit_ratio(std::span<const double> sums, std::span<const double> counts) {
    const Totals t = totals_of(sums, counts);
    RatioFit fit;
    fit.clusters = t.clusters;
    fit.ratio = t.count > 0 ? t.sum / t.count : std::numeric_limits<double>::quiet_NaN();
    if (t.clusters < 2) return fit;

    double corrected2 = 0, r2 = 0, r3 = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
        if (!(counts[i] > 0)) continue;
        const double r = sums[i] - fit.ratio * counts[i];
        corrected2 += r * r / std::max(1.0 - counts[i] / t.count, 1e-12);
        r2 += r * r;
        r3 += r * r * r;
    }
    const double n = static_cast<double>(t.clusters);
    fit.standard_error = std::sqrt(corrected2) / t.count;
    fit.skewness = r2 > 0 ? (r3 / n) / std::pow(r2 / n, 1.5) : 0.0;
    fit.degrees = std::max(1.0, t.count2 * t.count2 / t.count4 - 1.0);
    return fit;
}

double t_quantile(double degrees, double confidence) {
    const boost::math::students_t_distribution<double> student(degrees);
    return boost::math::quantile(boost::math::complement(student, (1.0 - confidence) / 2));
}

double t_two_sided_p(double degrees, double t) {
    if (std::isinf(t)) return 0.0;
    const boost::math::students_t_distribution<double> student(degrees);
    return 2 * boost::math::cdf(boost::math::complement(student, std::abs(t)));
}

}  // namespace bitgauge::stats
