#include "eval/summary.h"

#include <algorithm>
#include <cmath>

#include "bitgauge/stats.h"

#include "eval/peer_statistics.h"

namespace bitgauge {
namespace {

constexpr double kHistogramFirst = -8;  // log10 nats
constexpr double kHistogramLast = 2;
constexpr int kBucketsPerDecade = 5;

// Position buckets double in width, so that the beginning of a window shows.
std::vector<uint32_t> bucket_edges(uint32_t window_tokens) {
    std::vector<uint32_t> edges = {0};
    for (uint32_t edge = 64; edge < window_tokens; edge *= 2) edges.push_back(edge);
    edges.push_back(window_tokens);
    return edges;
}

// Sums per cluster of any figure of a position.
template <class Figure>
std::vector<double> sum_by_cluster(const PositionPlaces& places, const PositionValues& values,
                                   size_t n_clusters, Figure figure) {
    std::vector<double> sums(n_clusters);
    for (size_t i = 0; i < values.size(); ++i) {
        if (values.finite[i] != 0) sums[places.cluster[i]] += figure(i);
    }
    return sums;
}

double delta_p(const PositionValues& values, size_t i) {
    return std::exp(-values.nll[i]) - std::exp(-values.nll_original[i]);
}

std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> difference(a.size());
    std::ranges::transform(a, b, difference.begin(), std::minus<>());
    return difference;
}

// The entries of `series` whose cluster is of one stratum; others become empty clusters.
std::vector<double> only_stratum(const std::vector<double>& series, const ClusterSeries& clusters,
                                 uint32_t stratum) {
    std::vector<double> only;
    for (size_t i = 0; i < series.size(); ++i) {
        if (clusters.stratum[i] == stratum) only.push_back(series[i]);
    }
    return only;
}

std::vector<StratumSummary> summarize_strata(const ClusterSeries& clusters,
                                             const Windows& windows) {
    std::vector<StratumSummary> summaries;
    for (uint32_t s = 0; s < windows.strata.size(); ++s) {
        const auto tokens = only_stratum(clusters.tokens, clusters, s);
        const auto nll = only_stratum(clusters.nll_sum, clusters, s);
        const auto nll_original = only_stratum(clusters.nll_original_sum, clusters, s);
        StratumSummary summary{.name = windows.strata[s]};
        for (double n : tokens) {
            summary.scored_tokens += static_cast<uint64_t>(n);
            summary.documents += n > 0 ? 1 : 0;
        }
        if (summary.scored_tokens == 0) continue;
        summary.kld_nats = clustered_mean(only_stratum(clusters.kld_sum, clusters, s), tokens);
        summary.ppl_ratio = clustered_exp_mean(minus(nll, nll_original), tokens);
        summary.same_top = clustered_mean(only_stratum(clusters.same_top_sum, clusters, s), tokens);
        summaries.push_back(std::move(summary));
    }
    return summaries;
}

std::vector<PositionBucket> summarize_by_position(const PositionValues& values,
                                                  const PositionPlaces& places,
                                                  uint32_t window_tokens) {
    const std::vector<uint32_t> edges = bucket_edges(window_tokens);
    std::vector<Moments> moments(edges.size() - 1);
    for (size_t i = 0; i < values.size(); ++i) {
        if (values.finite[i] == 0) continue;
        const auto above = std::ranges::upper_bound(edges, places.position[i]);
        const auto bucket = static_cast<size_t>(above - edges.begin()) - 1;
        moments[std::min(bucket, moments.size() - 1)].add(values.kld[i]);
    }
    std::vector<PositionBucket> buckets;
    for (size_t b = 0; b < moments.size(); ++b) {
        if (moments[b].count() == 0) continue;
        buckets.push_back({.first = edges[b],
                           .last = edges[b + 1] - 1,
                           .scored_tokens = static_cast<uint64_t>(moments[b].count()),
                           .kld_nats = moments[b].mean()});
    }
    return buckets;
}

LogHistogram histogram_of(std::span<const float> kld) {
    LogHistogram histogram;
    const int n = static_cast<int>((kHistogramLast - kHistogramFirst) * kBucketsPerDecade);
    for (int i = 0; i <= n; ++i) {
        histogram.log10_edges.push_back(kHistogramFirst +
                                        static_cast<double>(i) / kBucketsPerDecade);
    }
    histogram.counts.assign(static_cast<size_t>(n), 0);
    for (float value : kld) {
        const double place =
            value > 0 ? (std::log10(value) - kHistogramFirst) * kBucketsPerDecade : 0;
        ++histogram.counts[static_cast<size_t>(std::clamp(place, 0.0, n - 1.0))];
    }
    return histogram;
}

// Finite divergences with their clusters.
struct FiniteKld {
    std::vector<float> values;
    std::vector<uint32_t> cluster;
};

FiniteKld finite_kld(const PositionValues& values, const PositionPlaces& places) {
    FiniteKld finite;
    for (size_t i = 0; i < values.size(); ++i) {
        if (values.finite[i] == 0) continue;
        finite.values.push_back(static_cast<float>(values.kld[i]));
        finite.cluster.push_back(places.cluster[i]);
    }
    return finite;
}

DivergenceSummary summarize_kld(const FiniteKld& kld, const ClusterSeries& clusters) {
    DivergenceSummary summary;
    summary.mean = clustered_mean(clusters.kld_sum, clusters.tokens);
    const double qs[] = {0.5, 0.9, 0.95, 0.99, 0.999};
    const auto quantiles = clustered_quantiles(kld.values, kld.cluster, clusters.tokens.size(), qs);
    summary.median = quantiles[0];
    summary.p90 = quantiles[1];
    summary.p95 = quantiles[2];
    summary.p99 = quantiles[3];
    summary.p999 = quantiles[4];
    summary.maximum = *std::ranges::max_element(kld.values);
    Moments moments;
    for (float value : kld.values) moments.add(value);
    summary.naive_standard_error = moments.standard_error();
    return summary;
}

}  // namespace

void append_places(const Windows& windows, size_t first_window, size_t last_window,
                   PositionPlaces& places) {
    for (size_t i = first_window; i < last_window; ++i) {
        const Window& window = windows.windows[i];
        for (uint32_t p = window.first_scored; p + 1 < window.tokens.size(); ++p) {
            places.cluster.push_back(window.cluster);
            places.stratum.push_back(window.stratum);
            places.position.push_back(p);
        }
    }
}

ClusterSeries cluster_series(const PositionValues& values, const PositionPlaces& places,
                             const Windows& windows) {
    const size_t n = windows.n_clusters;
    const auto sum = [&](auto figure) { return sum_by_cluster(places, values, n, figure); };
    ClusterSeries series;
    series.stratum.assign(n, 0);
    for (const Window& window : windows.windows) series.stratum[window.cluster] = window.stratum;
    series.tokens = sum([](size_t) { return 1.0; });
    series.kld_sum = sum([&](size_t i) { return values.kld[i]; });
    series.nll_sum = sum([&](size_t i) { return values.nll[i]; });
    series.nll_original_sum = sum([&](size_t i) { return values.nll_original[i]; });
    series.same_top_sum = sum([&](size_t i) { return static_cast<double>(values.same_top[i]); });
    return series;
}

void summarize(const PositionValues& values, const PositionPlaces& places, const Windows& windows,
               MeasureRecord& record) {
    record.clusters = cluster_series(values, places, windows);
    const ClusterSeries& clusters = record.clusters;
    const FiniteKld kld = finite_kld(values, places);
    record.scored_positions = kld.values.size();
    record.nonfinite_positions = values.size() - kld.values.size();
    if (kld.values.empty()) return;
    const auto sum = [&](auto figure) {
        return sum_by_cluster(places, values, windows.n_clusters, figure);
    };
    const auto nll_differences = minus(clusters.nll_sum, clusters.nll_original_sum);
    record.kld_nats = summarize_kld(kld, clusters);
    record.ppl = clustered_exp_mean(clusters.nll_sum, clusters.tokens);
    record.ppl_original = clustered_exp_mean(clusters.nll_original_sum, clusters.tokens).value;
    record.ln_ppl_ratio = clustered_mean(nll_differences, clusters.tokens);
    record.ppl_ratio = clustered_exp_mean(nll_differences, clusters.tokens);
    record.same_top = clustered_mean(clusters.same_top_sum, clusters.tokens);
    record.mean_delta_p =
        clustered_mean(sum([&](size_t i) { return delta_p(values, i); }), clusters.tokens);
    record.rms_delta_p = clustered_root_mean(sum([&](size_t i) {
                                                 const double d = delta_p(values, i);
                                                 return d * d;
                                             }),
                                             clusters.tokens);
    record.strata = summarize_strata(clusters, windows);
    record.by_position = summarize_by_position(values, places, record.protocol.window_tokens);
    record.histogram = histogram_of(kld.values);
    if (record.protocol.name == "llama-perplexity")
        record.peer_statistics = peer_statistics(values);
}

}  // namespace bitgauge
