#include "interval_alternatives.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "stats/random.h"
#include "stats/ratio.h"

namespace bitgauge::bench {

namespace {

constexpr size_t kResamples = 999;

double t_quantile(double degrees) {
    return boost::math::quantile(boost::math::students_t_distribution<double>(degrees), 0.975);
}

Estimate on_log_scale(const stats::RatioFit& fit) {
    const double half = t_quantile(fit.degrees) * fit.standard_error / fit.ratio;
    return {fit.ratio, fit.ratio * std::exp(-half), fit.ratio * std::exp(half)};
}

Estimate johnson(const stats::RatioFit& fit) {
    const double t = t_quantile(fit.degrees), n = static_cast<double>(fit.clusters);
    const double shift = fit.skewness / (6 * std::sqrt(n)) * fit.standard_error * (1 + 2 * t * t);
    const double half = t * fit.standard_error;
    return {fit.ratio, fit.ratio + shift - half, fit.ratio + shift + half};
}

// Ratio and studentised deviation of each resample of the clusters.
struct Resamples {
    std::vector<double> ratio, studentised;
};

Resamples resample(std::span<const double> s, std::span<const double> c, const stats::RatioFit& fit,
                   uint64_t seed) {
    stats::SplitMix64 random(seed, 2);
    const auto n = static_cast<uint32_t>(s.size());
    Resamples out;
    for (size_t b = 0; b < kResamples; ++b) {
        double S = 0, C = 0, ss = 0, sc = 0, cc = 0;
        for (uint32_t k = 0; k < n; ++k) {
            const uint32_t i = random.two_below(n).first;
            S += s[i], C += c[i], ss += s[i] * s[i], sc += s[i] * c[i], cc += c[i] * c[i];
        }
        const double ratio = S / C, squares = ss - 2 * ratio * sc + ratio * ratio * cc;
        const double error = std::sqrt(std::max(squares, 1e-300) * n / (n - 1.0)) / C;
        out.ratio.push_back(ratio);
        out.studentised.push_back((ratio - fit.ratio) / error);
    }
    std::sort(out.ratio.begin(), out.ratio.end());
    std::sort(out.studentised.begin(), out.studentised.end());
    return out;
}

double at(const std::vector<double>& sorted, double q) {
    const double position = q * static_cast<double>(sorted.size() + 1) - 1;
    return sorted[static_cast<size_t>(std::clamp(position, 0.0, sorted.size() - 1.0))];
}

Estimate bootstrap_t(const stats::RatioFit& fit, const Resamples& drawn) {
    return {fit.ratio, fit.ratio - at(drawn.studentised, 0.975) * fit.standard_error,
            fit.ratio - at(drawn.studentised, 0.025) * fit.standard_error};
}

// Acceleration from the jackknife over clusters.
double acceleration(std::span<const double> s, std::span<const double> c) {
    double S = 0, C = 0, mean = 0, squares = 0, cubes = 0;
    for (size_t i = 0; i < s.size(); ++i) S += s[i], C += c[i];
    std::vector<double> without(s.size());
    for (size_t i = 0; i < s.size(); ++i) {
        without[i] = (S - s[i]) / (C - c[i]);
        mean += without[i] / static_cast<double>(s.size());
    }
    for (double x : without) squares += (mean - x) * (mean - x), cubes += std::pow(mean - x, 3);
    return cubes / (6 * std::pow(squares, 1.5));
}

Estimate bca(std::span<const double> s, std::span<const double> c, const stats::RatioFit& fit,
             const Resamples& drawn) {
    const boost::math::normal_distribution<double> normal;
    const auto below =
        std::lower_bound(drawn.ratio.begin(), drawn.ratio.end(), fit.ratio) - drawn.ratio.begin();
    const double share = static_cast<double>(below) / static_cast<double>(kResamples);
    const double bias = quantile(normal, std::clamp(share, 0.001, 0.999));
    const double a = acceleration(s, c);
    const auto level = [&](double z) {
        return cdf(normal, bias + (bias + z) / (1 - a * (bias + z)));
    };
    return {fit.ratio, at(drawn.ratio, level(-1.96)), at(drawn.ratio, level(1.96))};
}

}  // namespace

std::vector<NamedInterval> all_intervals(std::span<const double> sums,
                                         std::span<const double> counts, uint64_t seed) {
    const stats::RatioFit fit = stats::fit_ratio(sums, counts);
    stats::RatioFit plain = fit;
    plain.degrees = static_cast<double>(fit.clusters) - 1;
    const Resamples drawn = resample(sums, counts, fit, seed);
    return {{"t, n - 1", stats::symmetric_interval(plain, 0.95)},
            {"t", stats::symmetric_interval(fit, 0.95)},
            {"log t, n - 1", on_log_scale(plain)},
            {"log t", on_log_scale(fit)},
            {"Johnson", johnson(fit)},
            {"Hall, n - 1", stats::skewness_corrected_interval(plain, 0.95)},
            {"**Hall**", stats::skewness_corrected_interval(fit, 0.95)},
            {"bootstrap-t", bootstrap_t(fit, drawn)},
            {"BCa", bca(sums, counts, fit, drawn)}};
}

}  // namespace bitgauge::bench
