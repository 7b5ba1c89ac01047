#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include "bitgauge/stats.h"

#include "stats/random.h"

namespace bitgauge {

namespace {

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

// How often each cluster is drawn when as many are drawn as there are.
std::vector<uint32_t> draw_multiplicities(size_t n, stats::SplitMix64 random) {
    std::vector<uint32_t> times(n, 0);
    for (size_t drawn = 0; drawn < n; drawn += 2) {
        const auto [first, second] = random.two_below(static_cast<uint32_t>(n));
        ++times[first];
        if (drawn + 1 < n) ++times[second];
    }
    return times;
}

// Walks `sample` once, each value counted as often as its cluster was drawn, and reads off order
// statistics: at(rank) for ascending ranks of the resampled values.
class WeightedWalk {
  public:
    WeightedWalk(const SortedSample& sample, std::span<const uint32_t> times)
        : sample_(sample), times_(times) {}

    float at(uint64_t rank) {
        skip_blocks(rank);
        while (passed_ + times_[sample_.cluster[next_]] <= rank)
            passed_ += times_[sample_.cluster[next_++]];
        return sample_.value[next_];
    }

  private:
    static constexpr size_t kBlock = 64;

    void skip_blocks(uint64_t rank) {
        while (next_ + kBlock <= sample_.value.size()) {
            uint64_t weight = 0;
            for (size_t i = 0; i < kBlock; ++i) weight += times_[sample_.cluster[next_ + i]];
            if (passed_ + weight > rank) return;
            passed_ += weight;
            next_ += kBlock;
        }
    }

    const SortedSample& sample_;
    std::span<const uint32_t> times_;
    size_t next_ = 0;      // the first value not passed
    uint64_t passed_ = 0;  // weight before it
};

// Quantiles (`qs` ascending) of one resample of the clusters.
void resampled_quantiles(const SortedSample& sample, std::span<const double> qs,
                         std::span<const uint32_t> times, std::span<double> out) {
    uint64_t total = 0;
    for (size_t c = 0; c < times.size(); ++c) {
        total += static_cast<uint64_t>(times[c]) * sample.cluster_size[c];
    }
    WeightedWalk walk(sample, times);
    for (size_t k = 0; k < qs.size(); ++k) {
        const double position = qs[k] * static_cast<double>(total - 1);
        const auto below = static_cast<uint64_t>(position);
        const double low = walk.at(below);
        WeightedWalk ahead = walk;
        const double high = ahead.at(std::min(below + 1, total - 1));
        out[k] = low + (position - static_cast<double>(below)) * (high - low);
    }
}

double quantile_of_doubles(std::span<const double> sorted, double q) {
    const double position = q * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] +
           (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<double> bootstrap_table(const SortedSample& sample, std::span<const double> qs,
                                    uint64_t seed, size_t resamples) {
    std::vector<double> table(resamples * qs.size());
    tbb::parallel_for(tbb::blocked_range<size_t>(0, resamples), [&](const auto& range) {
        for (size_t b = range.begin(); b < range.end(); ++b) {
            const auto times =
                draw_multiplicities(sample.cluster_size.size(), stats::SplitMix64(seed, b));
            resampled_quantiles(sample, qs, times,
                                std::span(table).subspan(b * qs.size(), qs.size()));
        }
    });
    return table;
}

// The tail to cut from each side of the resamples for 95 %: a resample of n clusters varies less
// than the sample did, and n is small [expanded percentile interval, Hesterberg 2015]. `n` counts
// clusters as equal ones would have to be to vary as much.
double expanded_tail(const SortedSample& sample) {
    double size2 = 0, size4 = 0;
    for (double size : sample.cluster_size) {
        size2 += size * size;
        size4 += size * size * size * size;
    }
    const double n = std::max(size2 * size2 / size4, 2.0);
    const boost::math::students_t_distribution<double> student(n - 1);
    const double t = boost::math::quantile(boost::math::complement(student, 0.025));
    const boost::math::normal_distribution<double> normal;
    return boost::math::cdf(boost::math::complement(normal, std::sqrt(n / (n - 1)) * t));
}

void set_percentile_interval(Estimate& estimate, std::span<const double> table, size_t column,
                             size_t columns, double tail) {
    std::vector<double> drawn;
    for (size_t i = column; i < table.size(); i += columns) drawn.push_back(table[i]);
    std::sort(drawn.begin(), drawn.end());
    estimate.low = quantile_of_doubles(drawn, tail);
    estimate.high = quantile_of_doubles(drawn, 1 - tail);
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
                                          std::span<const double> qs, uint64_t seed,
                                          int resamples) {
    std::vector<Estimate> estimates(qs.size());
    if (values.empty()) return estimates;
    const SortedSample sample = sort_sample(values, cluster, n_clusters);
    std::vector<size_t> order(qs.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return qs[a] < qs[b]; });
    std::vector<double> ascending;
    ascending.reserve(order.size());
    for (size_t k : order) ascending.push_back(std::clamp(qs[k], 0.0, 1.0));

    const bool interval = sample.cluster_size.size() >= 2 && resamples > 0;
    std::vector<double> table;
    if (interval) table = bootstrap_table(sample, ascending, seed, static_cast<size_t>(resamples));
    const double tail = interval ? expanded_tail(sample) : 0;
    for (size_t k = 0; k < order.size(); ++k) {
        Estimate& estimate = estimates[order[k]];
        estimate.value = quantile_of_sorted(sample.value, ascending[k]);
        if (interval) set_percentile_interval(estimate, table, k, order.size(), tail);
    }
    return estimates;
}

}  // namespace bitgauge
