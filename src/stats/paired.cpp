#include "bitgauge/stats.h"

#include "stats/pairwise.h"

namespace bitgauge {

PairedComparison compare_paired(std::span<const double> sums_a, std::span<const double> sums_b,
                                std::span<const double> counts, double confidence) {
    const stats::RatioFit fit = stats::fit_difference(sums_a, sums_b, counts);
    return {stats::symmetric_interval(fit, confidence), stats::two_sided_p(fit)};
}

std::vector<int> ranks_with_ties(std::span<const std::vector<double>> sums,
                                 std::span<const double> counts, double alpha) {
    const std::vector<stats::Pair> pairs = stats::pairs_by_p_value(sums, counts);
    const size_t decided = stats::holm_decided(pairs, alpha);
    return stats::ranks_from(std::span(pairs).first(decided), sums.size());
}

}  // namespace bitgauge
