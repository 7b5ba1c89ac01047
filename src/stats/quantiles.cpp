#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include <boost/iterator/counting_iterator.hpp>

#include "bitgauge/stats.h"

#include "stats/ratio.h"

namespace bitgauge {

namespace {

constexpr double kConfidence = 0.95;

// `value[i]` ascending, with the cluster each came from (renumbered: only clusters with values).
struct SortedSample {
    std::vector<float> value;
    std::vector<uint32_t> cluster;
    std::vector<uint32_t> cluster_size;
};

// One sorted key per value: the float's bits, mapped so that their order is that of the numbers,
// above its cluster. Sorting 64-bit integers is twice as fast as sorting an index.
uint64_t sort_key(float value, uint32_t cluster) {
    auto bits = std::bit_cast<uint32_t>(value);
    bits ^= (bits >> 31) != 0 ? 0xffffffffu : 0x80000000u;
    return (static_cast<uint64_t>(bits) << 32) | cluster;
}

float value_of_key(uint64_t key) {
    auto bits = static_cast<uint32_t>(key >> 32);
    bits ^= (bits >> 31) != 0 ? 0x80000000u : 0xffffffffu;
    return std::bit_cast<float>(bits);
}

SortedSample sort_sample(std::span<const float> values, std::span<const uint32_t> cluster,
                         size_t n_clusters) {
    std::vector<uint32_t> size(n_clusters, 0), number(n_clusters, 0);
    for (uint32_t c : cluster) ++size[c];
    SortedSample sample;
    for (size_t c = 0; c < n_clusters; ++c) {
        if (size[c] == 0) continue;
        number[c] = static_cast<uint32_t>(sample.cluster_size.size());
        sample.cluster_size.push_back(size[c]);
    }
    std::vector<uint64_t> keys(values.size());
    for (size_t i = 0; i < values.size(); ++i) keys[i] = sort_key(values[i], number[cluster[i]]);
    std::sort(keys.begin(), keys.end());
    for (uint64_t key : keys) {
        sample.value.push_back(value_of_key(key));
        sample.cluster.push_back(static_cast<uint32_t>(key));
    }
    return sample;
}

// Of each cluster, how many of its values are among the `above` largest of all.
std::vector<double> counts_above(const SortedSample& sample, size_t above) {
    std::vector<double> counts(sample.cluster_size.size(), 0);
    for (size_t i = sample.value.size() - above; i < sample.value.size(); ++i)
        ++counts[sample.cluster[i]];
    return counts;
}

// 95 % interval of the share of the population above the `above`-th largest value.
Estimate share_above(const SortedSample& sample, std::span<const double> sizes, size_t above) {
    const stats::RatioFit fit = stats::fit_ratio(counts_above(sample, above), sizes);
    return stats::skewness_corrected_interval(fit, kConfidence);
}

// The first number in [first, last) that has not what those before it have; else `last`.
template <class Predicate>
size_t first_not(size_t first, size_t last, const Predicate& predicate) {
    using Number = boost::counting_iterator<size_t>;
    return *std::partition_point(Number(first), Number(last), predicate);
}

// The values at which a share of 1 - q above them is just not refuted. No interval where even the
// largest value may have as many above it.
void set_interval(Estimate& estimate, const SortedSample& sample, std::span<const double> sizes,
                  double q) {
    const size_t n = sample.value.size();
    const auto at = static_cast<size_t>(std::lround((1 - q) * static_cast<double>(n)));
    if (at == 0 || at >= n) return;
    const auto too_few = [&](size_t above) {
        return share_above(sample, sizes, above).high < 1 - q;
    };
    const auto not_too_many = [&](size_t above) {
        return share_above(sample, sizes, above).low <= 1 - q;
    };
    const size_t fewest = first_not(size_t{1}, at, too_few);
    if (fewest == 1 && !too_few(1)) return;
    const size_t most = first_not(at, n, not_too_many);
    if (most == n) return;
    estimate.low = sample.value[n - 1 - most];
    estimate.high = sample.value[n - fewest];
}

Estimate quantile_estimate(const SortedSample& sample, std::span<const double> sizes, double q) {
    Estimate estimate{.value = quantile_of_sorted(sample.value, q)};
    if (sizes.size() >= 2) set_interval(estimate, sample, sizes, q);
    return estimate;
}

}  // namespace

double quantile_of_sorted(std::span<const float> sorted, double q) {
    assert(!sorted.empty());
    const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, sorted.size() - 1);
    const double low = sorted[below], high = sorted[above];
    return low + (position - static_cast<double>(below)) * (high - low);
}

std::vector<Estimate> clustered_quantiles(std::span<const float> values,
                                          std::span<const uint32_t> cluster, size_t n_clusters,
                                          std::span<const double> qs) {
    std::vector<Estimate> estimates(qs.size());
    if (values.empty()) return estimates;
    const SortedSample sample = sort_sample(values, cluster, n_clusters);
    const std::vector<double> sizes(sample.cluster_size.begin(), sample.cluster_size.end());
    for (size_t k = 0; k < qs.size(); ++k)
        estimates[k] = quantile_estimate(sample, sizes, std::clamp(qs[k], 0.0, 1.0));
    return estimates;
}

}  // namespace bitgauge
