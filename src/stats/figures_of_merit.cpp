#include <algorithm>
#include <cmath>
#include <limits>

#include "bitgauge/error.h"
#include "bitgauge/stats.h"

namespace bitgauge {

namespace {

struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();

    void include(double x) {
        low = std::min(low, x);
        high = std::max(high, x);
    }
    // x on [0, 1]; 0 where all values are equal.
    double scaled(double x) const { return high > low ? (x - low) / (high - low) : 0.0; }
};

bool beats(const SizeAndKld& a, const SizeAndKld& b) {
    const bool no_worse = a.size_gib <= b.size_gib && a.kld_nats <= b.kld_nats;
    return no_worse && (a.size_gib < b.size_gib || a.kld_nats < b.kld_nats);
}

struct FrontPoint {
    double size_gib;
    double ln_kld;
};

double ln_kld(double kld_nats) {
    return std::log(std::max(kld_nats, 1e-9));
}

// The files nothing beats, by size, one per size: both coordinates strictly monotone.
std::vector<FrontPoint> front_points(std::span<const SizeAndKld> files) {
    const std::vector<bool> unbeaten = on_pareto_front(files);
    std::vector<FrontPoint> points;
    for (size_t i = 0; i < files.size(); ++i)
        if (unbeaten[i]) points.push_back({files[i].size_gib, ln_kld(files[i].kld_nats)});
    std::sort(points.begin(), points.end(),
              [](const FrontPoint& a, const FrontPoint& b) { return a.size_gib < b.size_gib; });
    const auto same_size = [](const FrontPoint& a, const FrontPoint& b) {
        return a.size_gib == b.size_gib;
    };
    points.erase(std::unique(points.begin(), points.end(), same_size), points.end());
    return points;
}

bool above_or_on_chord(const FrontPoint& a, const FrontPoint& middle, const FrontPoint& b) {
    const double run = b.size_gib - a.size_gib, step = middle.size_gib - a.size_gib;
    return (middle.ln_kld - a.ln_kld) * run >= (b.ln_kld - a.ln_kld) * step;
}

// Monotone chain [Andrew 1979].
std::vector<FrontPoint> lower_hull(std::span<const FrontPoint> points) {
    std::vector<FrontPoint> hull;
    for (const FrontPoint& p : points) {
        while (hull.size() >= 2 && above_or_on_chord(hull[hull.size() - 2], hull.back(), p))
            hull.pop_back();
        hull.push_back(p);
    }
    return hull;
}

double front_at(std::span<const FrontPoint> hull, double size_gib) {
    if (size_gib <= hull.front().size_gib) return hull.front().ln_kld;
    if (size_gib >= hull.back().size_gib) return hull.back().ln_kld;
    const auto right = std::upper_bound(
        hull.begin(), hull.end(), size_gib,
        [](double size, const FrontPoint& point) { return size < point.size_gib; });
    const auto left = right - 1;
    const double share = (size_gib - left->size_gib) / (right->size_gib - left->size_gib);
    return left->ln_kld + share * (right->ln_kld - left->ln_kld);
}

}  // namespace

std::vector<double> efficiency_scores(std::span<const SizeAndKld> files) {
    Range size, kld;
    for (const SizeAndKld& file : files) {
        size.include(file.size_gib);
        kld.include(file.kld_nats);
    }
    std::vector<double> scores;
    for (const SizeAndKld& file : files)
        scores.push_back(std::hypot(size.scaled(file.size_gib), kld.scaled(file.kld_nats)));
    return scores;
}

std::vector<bool> on_pareto_front(std::span<const SizeAndKld> files) {
    std::vector<bool> front;
    for (const SizeAndKld& file : files) {
        front.push_back(std::none_of(files.begin(), files.end(),
                                     [&](const SizeAndKld& other) { return beats(other, file); }));
    }
    return front;
}

std::vector<double> excess_over_front(std::span<const SizeAndKld> files,
                                      std::span<const SizeAndKld> reference) {
    if (reference.empty()) {
        throw Error(ErrorKind::kInput, "the front of sizes and divergences has no file",
                    "give at least one reference file");
    }
    const std::vector<FrontPoint> hull = lower_hull(front_points(reference));
    std::vector<double> excess;
    for (const SizeAndKld& file : files)
        excess.push_back(ln_kld(file.kld_nats) - front_at(hull, file.size_gib));
    return excess;
}

}  // namespace bitgauge
