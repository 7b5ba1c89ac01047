#pragma once

// Corpora with known truth, to see how often intervals cover it. For tests and bench/coverage only;
// no part of the product.
//
// A position's divergence is mean x document effect x token effect, both effects log-normal with
// mean 1, so that the whole has coefficient of variation `token_cv` and intraclass correlation
// `icc`; documents have log-normal lengths independent of their effect. Two candidates share the
// document's and most of the token's effect, as quantized files of one model do. The ln PPL ratio
// is drawn the same way around its mean with heavy symmetric token tails. Deterministic for a seed.
// Thread-safe: no state.

#include <cstdint>
#include <span>
#include <vector>

#include "bitgauge/estimate.h"
#include "bitgauge/stats.h"

namespace bitgauge::stats {

struct CorpusModel {
    size_t documents = 60;
    double icc = 0.1;            // share of the variance that lies between documents
    double token_cv = 3;         // of a position's divergence
    double kld_nats = 0.03;      // true mean of candidate A
    double b_over_a = 1.05;      // true mean of candidate B, as a multiple of A's
    double ln_ppl_ratio = 0.01;  // true mean
    double median_length = 300;  // positions per document
    double length_sigma = 0.6;   // of the logarithm of the length
};

// One entry per cluster in the sums, one per position in `values` and `cluster`.
struct SimulatedCorpus {
    std::vector<double> counts, kld_a, kld_b, ln_ratio;
    std::vector<float> values;  // KLD of A
    std::vector<uint32_t> cluster;
    std::vector<float> ln_ratio_values;
    std::vector<float> difference_values;  // A - B
};
SimulatedCorpus simulate_corpus(const CorpusModel& model, uint64_t seed);

// The true `q`-quantile of a position's divergence under `model`.
double true_quantile(const CorpusModel& model, double q);

// As llama-perplexity prints its uncertainty, taken at 95 %: mean -+ 1.96 sqrt((E[x^2] - E[x]^2) /
// (n - 1)), every token independent.
Estimate tokens_as_independent(std::span<const float> values);

// Candidates' cluster sums for rankings: candidate k has true mean `means[k]`; document effects
// shared, and each candidate's own per document of coefficient of variation `own_cv`.
struct RankingModel {
    std::vector<double> means;
    size_t documents = 200;
    double document_cv = 1.0;
    double own_cv = 0.2;
    double length_sigma = 0.6;
};
struct SimulatedCandidates {
    std::vector<double> counts;
    std::vector<std::vector<double>> sums;
};
SimulatedCandidates simulate_candidates(const RankingModel& model, uint64_t seed);

// How often an interval held the truth.
struct Coverage {
    int64_t trials = 0, truth_below = 0, truth_above = 0;
    int64_t without = 0;  // an interval; these are no trials
    double width_sum = 0;

    void add(const Estimate& interval, double truth);
    double share() const;       // covered
    double mean_width() const;  // high - low
};

// One measurement under `plan`: looks at equal shares of the documents until settled.
struct SequentialRun {
    bool any_wrong_order = false;    // a pair decided against (or without) a true difference
    bool any_rank_too_high = false;  // a rank above 1 + the number of truly lower means
    bool settled = false;
    double share_read = 1;  // of the documents
};
SequentialRun run_sequential(const SimulatedCandidates& candidates, std::span<const double> means,
                             const SequentialPlan& plan);

}  // namespace bitgauge::stats
