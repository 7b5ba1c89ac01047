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

// Whether the interval at `confidence` lies within `tie_margin` times the smaller mean.
bool is_tie(const stats::Pair& pair, std::span<const double> means, double tie_margin,
            double confidence) {
    const double smaller = std::abs(std::min(means[pair.a], means[pair.b]));
    const double margin = pair.on_log_scale ? std::log1p(tie_margin) : tie_margin * smaller;
    return stats::interval_within(pair.test, confidence, margin);
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
    for (const stats::Pair& pair : open)
        decision.undecided_pairs += is_tie(pair, means, plan.tie_margin, confidence) ? 0 : 1;
    decision.settled = decision.undecided_pairs == 0;
    return decision;
}

}  // namespace bitgauge
