#pragma once

// Pure arithmetic on measured values: means and quantiles with intervals over clusters, paired
// comparison, ranks with ties, sequential stopping, figures of merit. No model, no file, no printing.
//
// Conventions (docs/metrics.md): natural logarithms; a cluster is a document (or a block of windows)
// whose positions are not independent; clusters are. Intervals are 95 % unless said otherwise.
// Everything here is thread-safe: no state.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bitgauge/estimate.h"

namespace bitgauge {

// Count, mean and variance of a stream in one pass and O(1) memory. Merging is associative up to
// rounding. Update: Welford 1962. Merge: Chan, Golub & LeVeque 1979.
class Moments {
  public:
    void add(double x);
    void merge(const Moments& other);

    int64_t count() const { return count_; }
    double mean() const { return mean_; }  // 0 when empty
    double variance() const;               // unbiased (n - 1); 0 for fewer than two values
    double standard_error() const;         // sqrt(variance / n), values taken as independent

  private:
    int64_t count_ = 0;
    double mean_ = 0.0;
    double sum_sq_dev_ = 0.0;
};

// The value below which a share `q` in [0, 1] of `sorted` (ascending, not empty) lies: linear
// interpolation between order statistics at q * (n - 1), as llama-perplexity and R's type 7 do.
double quantile_of_sorted(std::span<const float> sorted, double q);

// Mean per position, sum(sums) / sum(counts), with an interval that lets positions of one cluster
// be as dependent as they like. `sums` and `counts` have one entry per cluster (counts >= 0).
// No interval for fewer than two clusters with a count.
Estimate clustered_mean(std::span<const double> sums, std::span<const double> counts);

// exp of a clustered mean: perplexity from summed negative log-likelihoods, or the paired ratio of
// two perplexities from summed differences.
Estimate clustered_exp_mean(std::span<const double> sums, std::span<const double> counts);

// sqrt of a clustered mean of squares (sums of squares >= 0).
Estimate clustered_root_mean(std::span<const double> sums, std::span<const double> counts);

// Quantiles of `values` at each of `qs`, with intervals from a bootstrap over clusters.
// `cluster[i]` in [0, n_clusters) is the cluster of values[i]. Deterministic for a `seed`.
std::vector<Estimate> clustered_quantiles(std::span<const float> values,
                                          std::span<const uint32_t> cluster, size_t n_clusters,
                                          std::span<const double> qs, uint64_t seed = 1,
                                          int resamples = 1000);

// Two candidates over the same clusters.
struct PairedComparison {
    Estimate difference;  // mean per position of A minus that of B
    double p_value = 1;   // two-sided, for "no difference"
};
PairedComparison compare_paired(std::span<const double> sums_a, std::span<const double> sums_b,
                                std::span<const double> counts, double confidence = 0.95);

// Ranks (1 = lowest mean) of candidates measured over the same clusters: two neighbours in the order
// of means share a rank while no comparison decides between them. `sums[c]` is candidate c's series.
// Family-wise error over all pairs is `alpha` (Holm 1979).
std::vector<int> ranks_with_ties(std::span<const std::vector<double>> sums,
                                 std::span<const double> counts, double alpha = 0.05);

// Whether a ranking may stop being measured. Looks are planned in advance and share `alpha` between
// them and between all pairs (Bonferroni 1936), so that the chance of any wrong order over all looks
// is at most alpha. A pair counts as settled when its interval excludes zero, or lies inside
// +-`tie_margin` times the smaller mean (a tie).
struct SequentialPlan {
    int looks = 8;
    double alpha = 0.05;
    double tie_margin = 0.02;
};
struct SequentialDecision {
    bool settled = false;
    std::vector<int> ranks;  // ties share one
    int undecided_pairs = 0;
};
SequentialDecision decide_ranking(std::span<const std::vector<double>> sums,
                                  std::span<const double> counts, const SequentialPlan& plan);

// Figures of merit over a compared set, one value per file, lower is better.
struct SizeAndKld {
    double size_gib = 0;
    double kld_nats = 0;
};

// Distance from the ideal corner after min-max scaling of both axes over the compared set
// [cmhamiche, kld-sweep, 2026]: depends on the set; 0 for a set of one.
std::vector<double> efficiency_scores(std::span<const SizeAndKld> files);

// Which files no other file beats on both axes.
std::vector<bool> on_pareto_front(std::span<const SizeAndKld> files);

// ln(KLD / KLD of the front at this size), the front being `reference`'s lower convex hull of
// ln KLD over size, continued flat beyond its ends: how many times the divergence is above what the
// best known file of this size has. Does not depend on the other files compared. 0 on the front,
// negative below it. Files with a KLD <= 0 take part with 1e-9 nats.
std::vector<double> excess_over_front(std::span<const SizeAndKld> files,
                                      std::span<const SizeAndKld> reference);

}  // namespace bitgauge
