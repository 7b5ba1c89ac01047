#include <algorithm>
#include <cmath>

#include "bitgauge/stats.h"

#include "stats/ratio.h"

namespace bitgauge {

namespace {

enum class Outcome { kUndecided, kTie, kFirstHigher, kSecondHigher };

Outcome outcome_of(const Estimate& difference, double margin) {
    if (!difference.has_interval()) return Outcome::kUndecided;
    if (difference.low > 0) return Outcome::kFirstHigher;
    if (difference.high < 0) return Outcome::kSecondHigher;
    const bool tie = difference.low >= -margin && difference.high <= margin;
    return tie ? Outcome::kTie : Outcome::kUndecided;
}

std::vector<double> means_of(std::span<const std::vector<double>> sums,
                             std::span<const double> counts) {
    std::vector<double> means;
    for (const auto& series : sums) means.push_back(stats::fit_ratio(series, counts).ratio);
    return means;
}

// Bonferroni over looks and pairs.
double confidence_per_comparison(const SequentialPlan& plan, size_t candidates) {
    const double pairs = static_cast<double>(candidates * (candidates - 1)) / 2;
    return 1.0 - plan.alpha / (std::max(plan.looks, 1) * std::max(pairs, 1.0));
}

}  // namespace

SequentialDecision decide_ranking(std::span<const std::vector<double>> sums,
                                  std::span<const double> counts, const SequentialPlan& plan) {
    SequentialDecision decision;
    decision.ranks.assign(sums.size(), 1);
    const std::vector<double> means = means_of(sums, counts);
    const double confidence = confidence_per_comparison(plan, sums.size());
    for (size_t a = 0; a < sums.size(); ++a) {
        for (size_t b = a + 1; b < sums.size(); ++b) {
            const auto comparison = compare_paired(sums[a], sums[b], counts, confidence);
            const double margin = plan.tie_margin * std::abs(std::min(means[a], means[b]));
            const Outcome outcome = outcome_of(comparison.difference, margin);
            if (outcome == Outcome::kFirstHigher) ++decision.ranks[a];
            if (outcome == Outcome::kSecondHigher) ++decision.ranks[b];
            if (outcome == Outcome::kUndecided) ++decision.undecided_pairs;
        }
    }
    decision.settled = decision.undecided_pairs == 0;
    return decision;
}

}  // namespace bitgauge
