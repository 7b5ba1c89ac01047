#include "cost/mix_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitgauge {
namespace {

constexpr int kChords = 24;
constexpr int kFewChords = 8;  // where further limits make each problem dear
constexpr int kPolish = 6;

}  // namespace

// A stretch of the sum of switching powers.
struct MixSearch::Chord {
    double slope = 0, offset = 0;
    std::unique_ptr<PlanFrontier> frontier;  // where size is the only limit
};

struct MixSearch::Solved {
    std::vector<uint32_t> choice;
    uint64_t bytes = 0;
    double bound = 0;
};

// What a choice comes to in the stratum where it comes to the most.
struct MixSearch::Sum {
    double disturbance = 0;
    double switching = 0;  // powers
};

MixSearch::MixSearch(const MixItems& items, double norm) : items_(items), norm_(norm) {
    const size_t domains = items.items.front().options.front().cost.size();
    double least = std::numeric_limits<double>::infinity(), most = 0;
    for (size_t d = 0; d < domains; ++d) {
        const auto [low, high] = range_of(d);
        least = std::min(least, low);
        most = std::max(most, high);
    }
    const bool one_range = domains == 1 || most <= 0;
    if (!one_range) chords_.push_back(chord_over(least, most));
    const bool size_only = items.pools.empty() && !items.aim.worst_domain;
    const int n = most <= least ? 1 : size_only ? kChords : kFewChords;
    const double first = std::max(least, most * 1e-6);
    double from = least;
    for (int i = 0; i < n; ++i) {
        const double to = i + 1 == n ? most : first * std::pow(most / first, (i + 1.0) / n);
        chords_.push_back(chord_over(from, to));
        from = to;
    }
    covering_ = one_range ? chords_.size() : 1;
}

MixSearch::Chord MixSearch::chord_over(double from, double to) const {
    const double a = std::pow(from, 1 / norm_), b = std::pow(to, 1 / norm_);
    Chord chord{.slope = to > from ? (b - a) / (to - from) : 0};
    chord.offset = a - chord.slope * from;
    if (items_.pools.empty() && !items_.aim.worst_domain) {
        chord.frontier = std::make_unique<PlanFrontier>(priced(chord.slope), items_.aim.weights);
    }
    return chord;
}

// The least and the most that switching sums up to.
std::pair<double, double> MixSearch::range_of(size_t domain) const {
    double least = 0, most = 0;
    for (size_t i = 0; i < items_.items.size(); ++i) {
        const auto part = [&](size_t o) {
            return items_.items[i].options[o].cost[domain] * items_.switching[i][o];
        };
        double low = part(0), high = low;
        for (size_t o = 1; o < items_.switching[i].size(); ++o) {
            low = std::min(low, part(o));
            high = std::max(high, part(o));
        }
        least += low;
        most += high;
    }
    return {least, most};
}

MixSearch::~MixSearch() = default;

// Every option at its smooth cost and `slope` times its switching; domains keep their proportions.
std::vector<PlanItem> MixSearch::priced(double slope) const {
    std::vector<PlanItem> items = items_.items;
    for (size_t i = 0; i < items.size(); ++i) {
        for (size_t o = 0; o < items[i].options.size(); ++o) {
            const double nats = items_.smooth[i][o] + slope * items_.switching[i][o];
            for (double& cost : items[i].options[o].cost) cost *= nats;
        }
    }
    return items;
}

MixSearch::Solved MixSearch::solve(const Chord& chord, uint64_t bytes) const {
    const PlanSolution s = chord.frontier
                               ? chord.frontier->at(bytes)
                               : plan_cost(priced(chord.slope), {bytes, items_.pools}, items_.aim);
    return {s.choice, s.bytes, (s.optimal ? s.cost : s.bound) + chord.offset};
}

MixSearch::Sum MixSearch::sum_of(const std::vector<uint32_t>& choice) const {
    Sum worst;
    for (size_t d = 0; d < items_.items.front().options.front().cost.size(); ++d) {
        double smooth = 0, switching = 0;
        for (size_t i = 0; i < choice.size(); ++i) {
            const double factor = items_.items[i].options[choice[i]].cost[d];
            smooth += factor * items_.smooth[i][choice[i]];
            switching += factor * items_.switching[i][choice[i]];
        }
        const double disturbance = smooth + std::pow(switching, 1 / norm_);
        if (disturbance > worst.disturbance) worst = {disturbance, switching};
    }
    return worst;
}

// Of the concave part; 0 without switching.
double MixSearch::slope_at(const std::vector<uint32_t>& choice) const {
    const double switching = sum_of(choice).switching;
    return switching > 0 ? std::pow(switching, 1 / norm_ - 1) / norm_ : 0;
}

// The tangent at a choice lies above the concave part, so what it likes better is better.
void MixSearch::polish(FoundMix& found, uint64_t bytes) const {
    for (int i = 0; i < kPolish && found.slope > 0; ++i) {
        const PlanSolution s = plan_cost(priced(found.slope), {bytes, items_.pools}, items_.aim);
        const double disturbance = sum_of(s.choice).disturbance;
        if (disturbance >= found.disturbance * (1 - 1e-9)) return;
        found.choice = s.choice;
        found.bytes = s.bytes;
        found.disturbance = disturbance;
        found.slope = slope_at(found.choice);
    }
}

FoundMix MixSearch::for_bytes(uint64_t bytes) const {
    FoundMix best{.disturbance = std::numeric_limits<double>::infinity()};
    double bound = std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < chords_.size(); ++c) {
        Solved solved = solve(chords_[c], bytes);
        if (c < covering_) bound = std::min(bound, solved.bound);
        const double disturbance = sum_of(solved.choice).disturbance;
        if (disturbance >= best.disturbance) continue;
        best = {
            .choice = std::move(solved.choice), .bytes = solved.bytes, .disturbance = disturbance};
    }
    best.slope = slope_at(best.choice);
    polish(best, bytes);
    best.gap = bound > 0 ? std::max(0.0, best.disturbance / bound - 1) : 0;
    return best;
}

std::vector<PlanUpgrade> MixSearch::upgrades(const FoundMix& found, uint64_t more_bytes) const {
    const std::vector<PlanItem> items = priced(found.slope);
    PlanSolution solution{.choice = found.choice, .bytes = found.bytes};
    const size_t domains = items.front().options.front().cost.size();
    solution.weights.assign(domains, 1.0 / static_cast<double>(domains));
    for (const PlanLimit& pool : items_.pools) {
        double use = 0;
        const auto limit = static_cast<size_t>(&pool - items_.pools.data());
        for (size_t i = 0; i < items.size(); ++i)
            use += items[i].options[found.choice[i]].use[limit];
        solution.uses.push_back(use);
    }
    return next_upgrades(items, solution, more_bytes, items_.pools);
}

}  // namespace bitgauge
