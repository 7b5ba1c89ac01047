#include "stats/pairwise.h"

#include <algorithm>
#include <functional>

namespace bitgauge::stats {

RatioFit fit_difference(std::span<const double> sums_a, std::span<const double> sums_b,
                        std::span<const double> counts) {
    std::vector<double> difference(counts.size());
    std::transform(sums_a.begin(), sums_a.end(), sums_b.begin(), difference.begin(),
                   std::minus<>());
    return fit_ratio(difference, counts);
}

Pair test_pair(std::span<const double> sums_a, std::span<const double> sums_b,
               std::span<const double> counts) {
    Pair pair;
    pair.on_log_scale = comparable_as_ratio(sums_a, sums_b, counts);
    pair.test = pair.on_log_scale ? fit_log_ratio(sums_a, sums_b, counts)
                                  : fit_difference(sums_a, sums_b, counts);
    pair.p_value = two_sided_p(pair.test);
    return pair;
}

std::vector<Pair> pairs_by_p_value(std::span<const std::vector<double>> sums,
                                   std::span<const double> counts) {
    std::vector<Pair> pairs;
    for (size_t a = 0; a < sums.size(); ++a) {
        for (size_t b = a + 1; b < sums.size(); ++b) {
            Pair pair = test_pair(sums[a], sums[b], counts);
            pair.a = a;
            pair.b = b;
            pairs.push_back(pair);
        }
    }
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const Pair& x, const Pair& y) { return x.p_value < y.p_value; });
    return pairs;
}

size_t holm_decided(std::span<const Pair> pairs, double alpha) {
    size_t k = 0;
    while (k < pairs.size() && pairs[k].p_value <= alpha / static_cast<double>(pairs.size() - k))
        ++k;
    return k;
}

std::vector<int> ranks_from(std::span<const Pair> decided, size_t candidates) {
    std::vector<int> ranks(candidates, 1);
    for (const Pair& pair : decided) ++ranks[pair.test.ratio > 0 ? pair.a : pair.b];
    return ranks;
}

}  // namespace bitgauge::stats
