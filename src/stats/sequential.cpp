#include <algorithm>
#include <cmath>

#include "bitgauge/stats.h"

#include "stats/pairwise.h"

namespace bitgauge {

namespace {

std::vector<double> means_of(std::span<const std::vector<double>> sums,
                             std::span<const double> counts) {
    std::vector<double> means;
    for (const auto& series : sums) means.push_back(stats::fit_ratio(series, counts).ratio);
    return means;
}

bool inside(const Estimate& interval, double margin) {
    return interval.has_interval() && interval.low >= -margin && interval.high <= margin;
}

}  // namespace

SequentialDecision decide_ranking(std::span<const std::vector<double>> sums,
                                  std::span<const double> counts, const SequentialPlan& plan) {
    const std::vector<double> means = means_of(sums, counts);
    const std::vector<stats::Pair> pairs = stats::pairs_by_p_value(sums, counts);
    const double alpha = plan.alpha / std::max(plan.looks, 1);
    const size_t decided = stats::holm_decided(pairs, alpha);
    const auto open = std::span(pairs).subspan(decided);
    const double confidence = 1 - alpha / static_cast<double>(std::max<size_t>(open.size(), 1));

    SequentialDecision decision;
    decision.ranks = stats::ranks_from(std::span(pairs).first(decided), sums.size());
    for (const stats::Pair& pair : open) {
        const double margin = plan.tie_margin * std::abs(std::min(means[pair.a], means[pair.b]));
        const bool tie = inside(stats::symmetric_interval(pair.difference, confidence), margin);
        decision.undecided_pairs += tie ? 0 : 1;
    }
    decision.settled = decision.undecided_pairs == 0;
    return decision;
}

}  // namespace bitgauge
