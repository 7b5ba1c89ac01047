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

}  // namespace

double Calibration::divergence(double disturbance) const {
    return floor + scale * std::pow(std::max(disturbance, 0.0), exponent);
}

double Calibration::disturbance_for(double divergence) const {
    if (divergence <= floor) return 0;
    return std::pow((divergence - floor) / scale, 1 / exponent);
}

Calibration calibrate(const SweepTable& table, const std::vector<Sensitivity>& sensitivities) {
    std::vector<Parts> mixes;
    bool switches = false;
    for (const MeasuredMix& mix : table.mixes) {
        if (mix.probes_text) continue;
        auto parts = parts_of(mix, table, sensitivities);
        if (!parts) continue;
        switches = switches || parts->switches();
        mixes.push_back(std::move(*parts));
    }
    if (mixes.empty()) return {};
    if (switches) return fit_norm(mixes);
    const Points points = points_at(mixes, Calibration().norm);
    return fit_line(points, points.size() > 2 ? straightening_floor(points) : 0);
}

}  // namespace bitgauge
