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

MixSearch::MixSearch(const MixItems& items, double norm) : items_(items), norm_(norm) {
    double least = 0, most = 0;
    for (const auto& options : items.switching) {
        least += *std::ranges::min_element(options);
        most += *std::ranges::max_element(options);
    }
    const bool size_only = items.pools.empty() && !items.aim.worst_domain;
    const int n = most <= 0 ? 1 : size_only ? kChords : kFewChords;
    const double first = std::max(least, most * 1e-6);
    double from = least;
    for (int i = 0; i < n; ++i) {
        const double to = n == 1 ? most : first * std::pow(most / first, (i + 1.0) / n);
        Chord chord;
        if (to > from) {
            const double a = std::pow(from, 1 / norm), b = std::pow(to, 1 / norm);
            chord.slope = (b - a) / (to - from);
            chord.offset = a - chord.slope * from;
        }
        if (size_only) {
            chord.frontier = std::make_unique<PlanFrontier>(priced(chord.slope), items.aim.weights);
        }
        chords_.push_back(std::move(chord));
        from = to;
    }
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
    return {s.choice, s.bytes, s.bound + chord.offset};
}

double MixSearch::switching_of(const std::vector<uint32_t>& choice) const {
    double sum = 0;
    for (size_t i = 0; i < choice.size(); ++i) sum += items_.switching[i][choice[i]];
    return sum;
}

double MixSearch::disturbance_of(const std::vector<uint32_t>& choice) const {
    double sum = std::pow(switching_of(choice), 1 / norm_);
    for (size_t i = 0; i < choice.size(); ++i) sum += items_.smooth[i][choice[i]];
    return sum;
}

// The tangent at a choice lies above the concave part, so what it likes better is better.
void MixSearch::polish(FoundMix& found, uint64_t bytes) const {
    for (int i = 0; i < kPolish && found.slope > 0; ++i) {
        const PlanSolution s = plan_cost(priced(found.slope), {bytes, items_.pools}, items_.aim);
        const double disturbance = disturbance_of(s.choice);
        if (disturbance >= found.disturbance * (1 - 1e-9)) return;
        found.choice = s.choice;
        found.bytes = s.bytes;
        found.disturbance = disturbance;
        found.slope = std::pow(switching_of(found.choice), 1 / norm_ - 1) / norm_;
    }
}

FoundMix MixSearch::for_bytes(uint64_t bytes) const {
    FoundMix best{.disturbance = std::numeric_limits<double>::infinity()};
    double bound = std::numeric_limits<double>::infinity();
    for (const Chord& chord : chords_) {
        Solved solved = solve(chord, bytes);
        bound = std::min(bound, solved.bound);
        const double disturbance = disturbance_of(solved.choice);
        if (disturbance >= best.disturbance) continue;
        best = {
            .choice = std::move(solved.choice), .bytes = solved.bytes, .disturbance = disturbance};
    }
    const double switching = switching_of(best.choice);
    best.slope = switching > 0 ? std::pow(switching, 1 / norm_ - 1) / norm_ : 0;
    polish(best, bytes);
    best.gap = bound > 0 ? std::max(0.0, best.disturbance / bound - 1) : 0;
    return best;
}

std::vector<PlanUpgrade> MixSearch::upgrades(const FoundMix& found, uint64_t more_bytes) const {
    const std::vector<PlanItem> items = priced(found.slope);
    PlanSolution solution{.choice = found.choice, .bytes = found.bytes};
    solution.weights.assign(items.front().options.front().cost.size(), 1.0);
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
