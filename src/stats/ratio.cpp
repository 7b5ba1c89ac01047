#include "stats/ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/distributions/students_t.hpp>

namespace bitgauge::stats {

namespace {

using Student = boost::math::students_t_distribution<double>;

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

// Power sums of what clusters contribute to the error; `corrected2` has each square divided by
// 1 - leverage.
struct Powers {
    double corrected2 = 0, p2 = 0, p3 = 0, p4 = 0;

    void add(double r, double leverage) {
        const double r2 = r * r;
        corrected2 += r2 / std::max(1 - leverage, 1e-12);
        p2 += r2;
        p3 += r2 * r;
        p4 += r2 * r2;
    }
};

double degrees_of_freedom(const Totals& t, const Powers& powers) {
    const double n = static_cast<double>(t.clusters);
    const double by_size = std::max(t.count2 * t.count2 / t.count4 - 1, 1e-3);
    double excess = powers.p2 > 0 ? n * powers.p4 / (powers.p2 * powers.p2) - 3 : 0.0;
    if (!(excess > 0)) excess = 0;  // also where the squares underflowed
    const double by_tail = 2 * n / (excess + 2 * n / (n - 1));
    return std::max(1.0, 1 / (1 / by_size + 1 / by_tail - 1 / (n - 1)));
}

double skewness(const Totals& t, const Powers& powers) {
    const double n = static_cast<double>(t.clusters), scale = std::pow(powers.p2 / n, 1.5);
    return scale > 0 ? powers.p3 / n / scale : 0.0;
}

double t_quantile(const RatioFit& fit, double confidence) {
    return boost::math::quantile(
        boost::math::complement(Student(fit.degrees), (1 - confidence) / 2));
}

// Two-sided p-value of a deviation by `distance` >= 0. (A cumulative probability costs a tenth of a
// quantile.)
double p_at_distance(const RatioFit& fit, double distance) {
    if (distance == 0) return 1;
    const double t = distance / fit.standard_error;
    if (std::isinf(t)) return 0;
    return 2 * boost::math::cdf(boost::math::complement(Student(fit.degrees), t));
}

// Solves x = ((1 + a t)^3 - 1) / (3 a) + a / 2 for t, with a = skewness / (3 sqrt(n)).
double undo_skewness(double x, double a) {
    if (std::abs(a) < 1e-9) return x - a / 2;
    return (std::cbrt(1 + 3 * a * (x - a / 2)) - 1) / a;
}

}  // namespace

RatioFit fit_ratio(std::span<const double> sums, std::span<const double> counts) {
    const Totals t = totals_of(sums, counts);
    RatioFit fit;
    fit.clusters = t.clusters;
    fit.ratio = t.count > 0 ? t.sum / t.count : std::numeric_limits<double>::quiet_NaN();
    if (t.clusters < 2) return fit;

    Powers powers;
    for (size_t i = 0; i < counts.size(); ++i)
        if (counts[i] > 0) powers.add(sums[i] - fit.ratio * counts[i], counts[i] / t.count);
    fit.standard_error = std::sqrt(powers.corrected2) / t.count;
    fit.degrees = degrees_of_freedom(t, powers);
    fit.skewness = skewness(t, powers);
    return fit;
}

bool comparable_as_ratio(std::span<const double> sums_a, std::span<const double> sums_b,
                         std::span<const double> counts) {
    const auto negative = [](double s) { return s < 0; };
    return std::none_of(sums_a.begin(), sums_a.end(), negative) &&
           std::none_of(sums_b.begin(), sums_b.end(), negative) &&
           totals_of(sums_a, counts).sum > 0 && totals_of(sums_b, counts).sum > 0;
}

RatioFit fit_log_ratio(std::span<const double> sums_a, std::span<const double> sums_b,
                       std::span<const double> counts) {
    const Totals a = totals_of(sums_a, counts), b = totals_of(sums_b, counts);
    RatioFit fit;
    fit.clusters = a.clusters;
    fit.ratio = std::log(a.sum / b.sum);
    if (a.clusters < 2) return fit;

    Powers powers;
    for (size_t i = 0; i < counts.size(); ++i) {
        if (!(counts[i] > 0)) continue;
        const double share_a = sums_a[i] / a.sum, share_b = sums_b[i] / b.sum;
        powers.add(share_a - share_b, (share_a + share_b) / 2);
    }
    fit.standard_error = std::sqrt(powers.corrected2);
    fit.degrees = degrees_of_freedom(a, powers);
    return fit;
}

Estimate symmetric_interval(const RatioFit& fit, double confidence) {
    Estimate estimate{.value = fit.ratio};
    if (fit.clusters < 2) return estimate;
    const double half = t_quantile(fit, confidence) * fit.standard_error;
    estimate.low = fit.ratio - half;
    estimate.high = fit.ratio + half;
    return estimate;
}

Estimate skewness_corrected_interval(const RatioFit& fit, double confidence) {
    Estimate estimate{.value = fit.ratio};
    if (fit.clusters < 2) return estimate;
    const double t = t_quantile(fit, confidence);
    const double a = fit.skewness / (3 * std::sqrt(static_cast<double>(fit.clusters)));
    estimate.low = fit.ratio - fit.standard_error * undo_skewness(t, a);
    estimate.high = fit.ratio - fit.standard_error * undo_skewness(-t, a);
    return estimate;
}

double two_sided_p(const RatioFit& fit) {
    if (fit.clusters < 2 || fit.ratio == 0) return 1;
    return p_at_distance(fit, std::abs(fit.ratio));
}

bool interval_within(const RatioFit& fit, double confidence, double margin) {
    const double distance = margin - std::abs(fit.ratio);
    if (fit.clusters < 2 || distance < 0) return false;
    return fit.standard_error == 0 || p_at_distance(fit, distance) <= 1 - confidence;
}

}  // namespace bitgauge::stats
