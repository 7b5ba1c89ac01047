#include <algorithm>
#include <cmath>
#include <optional>

#include "bitgauge/cost.h"

#include "cost/disturbance.h"

namespace bitgauge {
namespace {

constexpr double kFlattest = 0.7, kSteepest = 1.5;  // exponents
constexpr double kNormStep = 0.02;

struct Point {
    double disturbance = 0;
    double measured = 0;
};
using Points = std::vector<Point>;

// A measured mix, tensor by tensor.
struct Parts {
    std::vector<Disturbed> tensors;
    double measured = 0;

    bool disturbs() const { return joined(tensors, 1) > 0; }
    bool switches() const {
        return std::ranges::any_of(tensors, [](const Disturbed& d) { return d.switching > 0; });
    }
};

// Empty where the sweep does not know a tensor's type, or where no tensor is disturbed.
std::optional<Parts> parts_of(const MeasuredMix& mix, const SweepTable& table,
                              const std::vector<Sensitivity>& sensitivities) {
    Parts parts{.measured = mix.kld_nats.value};
    if (!(parts.measured > 0)) return std::nullopt;
    for (size_t i = 0; i < table.tensors.size(); ++i) {
        const auto type = mix.types.find(table.tensors[i].tensor);
        if (type == mix.types.end()) continue;
        const auto error = table.tensors[i].errors.find(type->second);
        if (error == table.tensors[i].errors.end()) return std::nullopt;
        parts.tensors.push_back(disturbed(sensitivities[i], error->second));
    }
    return parts.disturbs() ? std::optional(parts) : std::nullopt;
}

std::vector<Parts> measured_mixes(const SweepTable& table,
                                  const std::vector<Sensitivity>& sensitivities) {
    std::vector<Parts> mixes;
    for (const MeasuredMix& mix : table.mixes) {
        if (mix.probes_text) continue;
        auto parts = parts_of(mix, table, sensitivities);
        if (parts) mixes.push_back(std::move(*parts));
    }
    return mixes;
}

Points points_at(const std::vector<Parts>& mixes, double norm) {
    Points points;
    for (const Parts& mix : mixes) points.push_back({joined(mix.tensors, norm), mix.measured});
    std::ranges::sort(points, {}, &Point::disturbance);
    return points;
}

// --- with switching: the norm and the scale -----------------------------------------------------

Calibration fit_scale(const Points& points, double norm, double& misfit) {
    double mean = 0, square = 0;
    for (const Point& p : points) {
        const double ratio = std::log(p.measured / p.disturbance);
        mean += ratio / static_cast<double>(points.size());
        square += ratio * ratio / static_cast<double>(points.size());
    }
    misfit = square - mean * mean;
    return {.norm = norm, .scale = std::exp(mean)};
}

Calibration fit_norm(const std::vector<Parts>& mixes) {
    Calibration best;
    double least = 0;
    if (mixes.size() < 2) return fit_scale(points_at(mixes, best.norm), best.norm, least);
    least = 1e9;
    for (double norm = 1; norm <= 2 + kNormStep / 2; norm += kNormStep) {
        double misfit = 0;
        const Calibration fit = fit_scale(points_at(mixes, norm), norm, misfit);
        if (misfit >= least) continue;
        least = misfit;
        best = fit;
    }
    return best;
}

// --- without: a power with a floor --------------------------------------------------------------

double slope(const Point& a, const Point& b, double floor) {
    return std::log((b.measured - floor) / (a.measured - floor)) /
           std::log(b.disturbance / a.disturbance);
}

// Least squares of ln(measured - floor) over ln(disturbance), the exponent within its bounds.
Calibration fit_line(const Points& points, double floor) {
    const auto n = static_cast<double>(points.size());
    double x = 0, y = 0, xx = 0, xy = 0;
    for (const Point& p : points) {
        const double lx = std::log(p.disturbance), ly = std::log(p.measured - floor);
        x += lx / n;
        y += ly / n;
        xx += lx * lx / n;
        xy += lx * ly / n;
    }
    const double variance = xx - x * x;
    const double exponent =
        variance > 1e-12 ? std::clamp((xy - x * y) / variance, kFlattest, kSteepest) : 1;
    return {.scale = std::exp(y - exponent * x), .exponent = exponent, .floor = floor};
}

// The floor that makes the points' line straight: raising it steepens the lower part most.
double straightening_floor(const Points& points) {
    const Point &low = points.front(), &middle = points[1], &high = points.back();
    const auto bend = [&](double floor) {
        return slope(middle, high, floor) - slope(low, middle, floor);
    };
    if (bend(0) <= 0) return 0;
    double below = 0, above = 0.999 * low.measured;
    for (int i = 0; i < 60; ++i) {
        const double half = (below + above) / 2;
        (bend(half) > 0 ? below : above) = half;
    }
    return below;
}

// --- corrections ---------------------------------------------------------------------------------

using Corrections = std::vector<Calibration::Correction>;

double corrected_by(const Corrections& corrections, double disturbance) {
    if (corrections.empty()) return 0;
    const auto after = std::ranges::lower_bound(corrections, disturbance, {},
                                                &Calibration::Correction::disturbance);
    if (after == corrections.begin()) return after->log_ratio;
    if (after == corrections.end()) return corrections.back().log_ratio;
    const auto before = after - 1;
    const double share = std::log(disturbance / before->disturbance) /
                         std::log(after->disturbance / before->disturbance);
    return before->log_ratio + share * (after->log_ratio - before->log_ratio);
}

// Neighbours of which the one with more disturbance came to less: their mean.
Points without_descents(const Points& ascending) {
    struct Pool {
        double log_disturbance, log_measured, n;
        double mean() const { return log_measured / n; }
    };
    std::vector<Pool> pools;
    for (const Point& p : ascending) {
        pools.push_back({std::log(p.disturbance), std::log(p.measured), 1});
        while (pools.size() > 1 && pools.back().mean() <= pools[pools.size() - 2].mean()) {
            const Pool last = pools.back();
            pools.pop_back();
            pools.back().log_disturbance += last.log_disturbance;
            pools.back().log_measured += last.log_measured;
            pools.back().n += last.n;
        }
    }
    Points points;
    for (const Pool& pool : pools) {
        points.push_back({std::exp(pool.log_disturbance / pool.n), std::exp(pool.mean())});
    }
    return points;
}

}  // namespace

double Calibration::divergence(double disturbance) const {
    if (!(disturbance > 0)) return floor;
    return floor + scale * std::pow(disturbance, exponent) *
                       std::exp(corrected_by(corrections, disturbance));
}

double Calibration::disturbance_for(double divergence) const {
    if (divergence <= floor) return 0;
    const auto by_fit = [&](double correction) {
        return std::pow((divergence - floor) / scale / std::exp(correction), 1 / exponent);
    };
    if (corrections.empty()) return by_fit(0);
    const auto [least, most] = std::ranges::minmax(corrections, {}, &Correction::log_ratio);
    double below = by_fit(most.log_ratio), above = by_fit(least.log_ratio);
    for (int i = 0; i < 60; ++i) {
        const double middle = std::sqrt(below * above);
        (this->divergence(middle) < divergence ? below : above) = middle;
    }
    return above;
}

Calibration calibrate(const SweepTable& table, const std::vector<Sensitivity>& sensitivities) {
    const std::vector<Parts> mixes = measured_mixes(table, sensitivities);
    if (mixes.empty()) return {};
    if (std::ranges::any_of(mixes, &Parts::switches)) return fit_norm(mixes);
    const Points points = points_at(mixes, Calibration().norm);
    return fit_line(points, points.size() > 2 ? straightening_floor(points) : 0);
}

Calibration through_mixes(const Calibration& fit, const SweepTable& table,
                          const std::vector<Sensitivity>& sensitivities) {
    Calibration through = fit;
    through.corrections.clear();
    Points above_floor;
    for (Point point : points_at(measured_mixes(table, sensitivities), fit.norm)) {
        point.measured -= fit.floor;
        if (point.measured > 0) above_floor.push_back(point);
    }
    Corrections corrections;
    for (const Point& point : without_descents(above_floor)) {
        const double fitted = through.divergence(point.disturbance) - fit.floor;
        corrections.push_back({point.disturbance, std::log(point.measured / fitted)});
    }
    through.corrections = std::move(corrections);
    return through;
}

}  // namespace bitgauge
