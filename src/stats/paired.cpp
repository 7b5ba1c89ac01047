#include <cmath>

#include "bitgauge/stats.h"

#include "stats/pairwise.h"

namespace bitgauge {

PairedComparison compare_paired(std::span<const double> sums_a, std::span<const double> sums_b,
                                std::span<const double> counts, double confidence) {
    PairedComparison comparison;
    comparison.difference = stats::skewness_corrected_interval(
        stats::fit_difference(sums_a, sums_b, counts), confidence);
    const stats::Pair pair = stats::test_pair(sums_a, sums_b, counts);
    comparison.p_value = pair.p_value;
    if (!pair.on_log_scale) return comparison;
    const Estimate log_ratio = stats::symmetric_interval(pair.test, confidence);
    comparison.ratio = {std::exp(log_ratio.value), std::exp(log_ratio.low),
                        std::exp(log_ratio.high)};
    return comparison;
}

std::vector<int> ranks_with_ties(std::span<const std::vector<double>> sums,
                                 std::span<const double> counts, double alpha) {
    std::vector<int> ranks(sums.size(), 1);
    for (const DecidedPair& pair : decided_pairs(sums, counts, alpha)) ++ranks[pair.higher];
    return ranks;
}

std::vector<DecidedPair> decided_pairs(std::span<const std::vector<double>> sums,
                                       std::span<const double> counts, double alpha) {
    const std::vector<stats::Pair> pairs = stats::pairs_by_p_value(sums, counts);
    std::vector<DecidedPair> decided;
    for (const auto& pair : std::span(pairs).first(stats::holm_decided(pairs, alpha))) {
        const bool a_is_higher = pair.test.ratio > 0;
        decided.push_back({a_is_higher ? pair.b : pair.a, a_is_higher ? pair.a : pair.b});
    }
    return decided;
}

}  // namespace bitgauge
