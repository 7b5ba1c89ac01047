#include <algorithm>
#include <cmath>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr double kFlattest = 0.7;
constexpr double kSteepest = 1.5;

using Points = std::vector<CalibrationPoint>;

double slope(const CalibrationPoint& a, const CalibrationPoint& b, double floor) {
    return std::log((b.measured - floor) / (a.measured - floor)) / std::log(b.sum / a.sum);
}

// Least squares of ln(measured - floor) over ln(sum), the exponent kept within its bounds.
Calibration fit_line(const Points& points, double floor) {
    const auto n = static_cast<double>(points.size());
    double x = 0, y = 0, xx = 0, xy = 0;
    for (const CalibrationPoint& p : points) {
        const double lx = std::log(p.sum), ly = std::log(p.measured - floor);
        x += lx / n, y += ly / n, xx += lx * lx / n, xy += lx * ly / n;
    }
    const double variance = xx - x * x;
    const double exponent =
        variance > 1e-12 ? std::clamp((xy - x * y) / variance, kFlattest, kSteepest) : 1;
    return {.floor = floor, .scale = std::exp(y - exponent * x), .exponent = exponent};
}

// The floor that makes the points' line straight: raising it steepens the lower part most.
double straightening_floor(const Points& points) {
    const CalibrationPoint &low = points.front(), &middle = points[1], &high = points.back();
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

double Calibration::divergence(double sum) const {
    return floor + scale * std::pow(std::max(sum, 0.0), exponent);
}

double Calibration::sum_for(double divergence) const {
    if (divergence <= floor) return 0;
    return std::pow((divergence - floor) / scale, 1 / exponent);
}

Calibration calibrate(Points points) {
    std::erase_if(points, [](const CalibrationPoint& p) { return p.sum <= 0 || p.measured <= 0; });
    std::ranges::sort(points, {}, &CalibrationPoint::sum);
    const auto same = std::ranges::unique(points, {}, &CalibrationPoint::sum);
    points.erase(same.begin(), same.end());
    Calibration fit;
    if (!points.empty()) {
        fit = fit_line(points, points.size() > 2 ? straightening_floor(points) : 0);
    }
    fit.points = std::move(points);
    return fit;
}

}  // namespace bitgauge
