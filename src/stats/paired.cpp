#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "bitgauge/stats.h"

#include "stats/ratio.h"

namespace bitgauge {

namespace {

double p_value_of(const stats::RatioFit& fit) {
    if (fit.clusters < 2) return 1.0;
    if (fit.ratio == 0) return 1.0;
    if (fit.standard_error == 0) return 0.0;
    return stats::t_two_sided_p(fit.degrees, fit.ratio / fit.standard_error);
}

struct Pair {
    size_t a, b;
    PairedComparison comparison;
};

std::vector<Pair> all_pairs(std::span<const std::vector<double>> sums,
                            std::span<const double> counts) {
    std::vector<Pair> pairs;
    for (size_t a = 0; a < sums.size(); ++a)
        for (size_t b = a + 1; b < sums.size(); ++b)
            pairs.push_back({a, b, compare_paired(sums[a], sums[b], counts)});
    return pairs;
}

// How many of `pairs`, sorted by p, are decided: the k-th is while p_k <= alpha / (m - k) and all
// before it were. [Holm 1979]
size_t holm_rejections(std::span<const Pair> pairs, double alpha) {
    size_t k = 0;
    while (k < pairs.size() &&
           pairs[k].comparison.p_value <= alpha / static_cast<double>(pairs.size() - k))
        ++k;
    return k;
}

}  // namespace

PairedComparison compare_paired(std::span<const double> sums_a, std::span<const double> sums_b,
                                std::span<const double> counts, double confidence) {
    std::vector<double> difference(counts.size());
    std::transform(sums_a.begin(), sums_a.end(), sums_b.begin(), difference.begin(),
                   std::minus<>());
    const stats::RatioFit fit = stats::fit_ratio(difference, counts);
    PairedComparison result;
    result.difference.value = fit.ratio;
    result.p_value = p_value_of(fit);
    if (fit.clusters < 2) return result;
    const double half = stats::t_quantile(fit.degrees, confidence) * fit.standard_error;
    result.difference.low = fit.ratio - half;
    result.difference.high = fit.ratio + half;
    return result;
}

std::vector<int> ranks_with_ties(std::span<const std::vector<double>> sums,
                                 std::span<const double> counts, double alpha) {
    std::vector<Pair> pairs = all_pairs(sums, counts);
    std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& x, const Pair& y) {
        return x.comparison.p_value < y.comparison.p_value;
    });
    std::vector<int> ranks(sums.size(), 1);
    const size_t decided = holm_rejections(pairs, alpha);
    for (size_t k = 0; k < decided; ++k)
        ++ranks[pairs[k].comparison.difference.value > 0 ? pairs[k].a : pairs[k].b];
    return ranks;
}

}  // namespace bitgauge
