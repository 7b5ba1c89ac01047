#pragma once

// Pure arithmetic on measured values: means and quantiles with intervals over clusters, paired
// comparison, ranks with ties, sequential stopping, figures of merit. No model, no file, no
// printing.
//
// Conventions (docs/metrics.md): natural logarithms; a cluster is a document (or a block of
// windows) whose positions are not independent; clusters are. Intervals are 95 % unless said
// otherwise; which ones and how often they cover: docs/decisions/0003-intervals.md. All values
// given are finite: who has NaN or infinity counts and reports it first. Nothing returned is NaN
// except an Estimate's members where said. Everything here is thread-safe: no state.

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
// No interval for fewer than two clusters with a count, no value (NaN) for none. The interval is
// corrected for skewness [Hall 1992], so it is not symmetric about the mean; below 20 clusters it
// covers less than it says. It does not fall below 0 when no sum does.
Estimate clustered_mean(std::span<const double> sums, std::span<const double> counts);

// exp of a clustered mean: perplexity from summed negative log-likelihoods, or the paired ratio of
// two perplexities from summed differences.
Estimate clustered_exp_mean(std::span<const double> sums, std::span<const double> counts);

// sqrt of a clustered mean of squares (sums of squares >= 0).
Estimate clustered_root_mean(std::span<const double> sums, std::span<const double> counts);

// Quantiles of `values` at each of `qs`, in the order of `qs`, with intervals over clusters.
// `cluster[i]` in [0, n_clusters) is the cluster of values[i]. All members NaN without a value; no
// interval for fewer than two clusters with one, nor where the sample is too small to bound the
// quantile from above (99.9 % of fewer than some 4,000 independent values; q = 1).
//
// The interval holds the values for which "a share 1 - q lies above" is not refuted [test
// inversion, Woodruff 1952; Francisco & Fuller 1991, Ann. Statist. 19, 454], the share above a
// value being a clustered mean as above. Below 60 clusters the far tail is covered less than it
// says.
std::vector<Estimate> clustered_quantiles(std::span<const float> values,
                                          std::span<const uint32_t> cluster, size_t n_clusters,
                                          std::span<const double> qs);

// Two candidates over the same clusters. Fewer than two clusters: no intervals and p = 1.
struct PairedComparison {
    Estimate difference;  // mean per position of A minus that of B, as clustered_mean
    // Mean of A over mean of B; all NaN unless no sum is negative and both totals are positive.
    // What makes a document hard for both cancels, so it may decide where the difference does not.
    Estimate ratio;
    // Two-sided, for equal means: Student's t on ln(ratio), whose interval at 1 - p touches 1; on
    // the difference where there is no ratio.
    double p_value = 1;
};
PairedComparison compare_paired(std::span<const double> sums_a, std::span<const double> sums_b,
                                std::span<const double> counts, double confidence = 0.95);

// Ranks of candidates measured over the same clusters: 1 + the number of candidates decided to have
// a lower mean. `sums[c]` is candidate c's series. All pairs are compared, family-wise error
// `alpha` [Holm 1979]; no interval or test beside these comparisons enters.
//
// Not being decided from one another is not transitive (A = B and B = C, yet A < C), so ranks are
// not groups of equals: a shared rank says that as many candidates are known to be better. With
// probability 1 - alpha no candidate's rank is above its true one, for all of them at once
// [lower confidence bounds for ranks; Klein, Wright & Wieczorek 2020].
std::vector<int> ranks_with_ties(std::span<const std::vector<double>> sums,
                                 std::span<const double> counts, double alpha = 0.05);

// The pairs behind those ranks whose order is decided: indices of candidates.
struct DecidedPair {
    size_t lower = 0;
    size_t higher = 0;
};
std::vector<DecidedPair> decided_pairs(std::span<const std::vector<double>> sums,
                                       std::span<const double> counts, double alpha = 0.05);

// Whether a ranking may stop being measured. Looks are planned in advance, each at its share of the
// measurement; they share `alpha` evenly [Bonferroni 1936], and within a look the pairs share it as
// above [Holm 1979], so the chance of any wrong order at any look is at most alpha, whenever one
// stops. A pair is settled when its order is decided, or when its interval, at the level Holm
// leaves for the undecided pairs, lies inside +-`tie_margin` times the smaller mean (a tie, which
// is no order). Clusters must arrive in an order that has nothing to do with their values
// (shuffled).
struct SequentialPlan {
    int looks = 8;
    double alpha = 0.05;
    double tie_margin = 0.02;
};
struct SequentialDecision {
    bool settled = false;
    std::vector<int> ranks;  // from the same comparisons, by the rule of ranks_with_ties
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
// negative below it. Only files that nothing in `reference` beats make the front, so it never rises
// with size. Files with a KLD <= 0 take part with 1e-9 nats. Error(kInput) without a reference.
std::vector<double> excess_over_front(std::span<const SizeAndKld> files,
                                      std::span<const SizeAndKld> reference);

}  // namespace bitgauge
