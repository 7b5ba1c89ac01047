#pragma once

// How many of n questions were answered rightly: accuracies with intervals, the comparison of two
// answer sheets over the same questions, and how many questions a difference needs.
//
// Conventions: an answer is 1 (right) or 0 (wrong); a cluster is a category, a subject or whatever
// else makes questions alike; accuracies, differences and discordances are shares in [0, 1], not
// per cent. Higher is better for an accuracy, lower for an error. An Estimate is NaN throughout
// without a question, and "no interval" where said. Two intervals for one thing: those over
// questions take the questions as drawn one by one; the clustered ones take the clusters as drawn,
// and so also hold for other subjects than these. Pure and thread-safe: no state, no printing.
// Error(kInput) where spans that belong together differ in length, a cluster is outside
// [0, n_clusters), or a share or confidence is outside its range.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bitgauge/estimate.h"

namespace bitgauge {

// `successes` of `n` as a share with its score interval [Wilson 1927], which never leaves [0, 1]
// and has a width at 0 and at n, too.
Estimate wilson_interval(uint64_t successes, uint64_t n, double confidence = 0.95);

// The share of right answers over all questions, 95 %, with clusters taken as drawn: clustered_mean
// of stats.h, kept within [0, 1]. No interval for fewer than two clusters with a question. Where
// all clusters have one and the same accuracy the interval has no width: quote Wilson's there.
Estimate clustered_accuracy(std::span<const uint8_t> right, std::span<const uint32_t> cluster,
                            size_t n_clusters);

// The share of `values` that are `limit` or more: clustered_accuracy(), or Wilson's interval where
// that has no width.
Estimate share_reaching(std::span<const uint32_t> values, uint32_t limit,
                        std::span<const uint32_t> cluster, size_t n_clusters);

// Half of the values are less; 0 without any.
double median_of(std::span<const uint32_t> values);

// The four ways in which two answer sheets, candidate and original, agree or differ.
struct PairedAnswers {
    uint64_t both = 0;            // right in both
    uint64_t only_candidate = 0;  // right in the candidate alone: a gain
    uint64_t only_original = 0;   // right in the original alone: a loss
    uint64_t neither = 0;         // wrong in both

    uint64_t n() const { return both + only_candidate + only_original + neither; }
    uint64_t discordant() const { return only_candidate + only_original; }
    uint64_t candidate_right() const { return both + only_candidate; }
    uint64_t original_right() const { return both + only_original; }
};
PairedAnswers count_pairs(std::span<const uint8_t> candidate, std::span<const uint8_t> original);

// Accuracy of the candidate minus that of the original over the same questions; the interval joins
// two Wilson intervals with the correlation of the answers [Newcombe 1998, Stat. Med. 17, 2635,
// method 10].
Estimate paired_difference(const PairedAnswers& answers, double confidence = 0.95);

// Errors of the candidate / errors of the original - 1: 0.1 is a tenth more errors. Hybrid Wilson
// interval of a ratio of paired shares [Bonett & Price 2006, Stat. Med. 25, 3039]. Over the
// questions that at least one of them got wrong; the others say nothing of a ratio of errors. NaN
// where the original made no error.
Estimate error_increase(const PairedAnswers& answers, double confidence = 0.95);

// Two-sided p-values for equal accuracies, given the discordant questions [McNemar 1947]. Exact:
// from the binomial with 1/2, never above its level, mostly far below. Mid-p: half the probability
// of what was seen counts, which keeps the level in practice and decides sooner [Fagerland,
// Lydersen & Laake 2013, BMC Med. Res. Methodol. 13, 91]. 1 without a discordant question.
double mcnemar_exact_p(uint64_t only_candidate, uint64_t only_original);
double mcnemar_mid_p(uint64_t only_candidate, uint64_t only_original);

// Two answer sheets over the same questions, all of the above. A difference below 0: the candidate
// is worse.
struct AccuracyComparison {
    PairedAnswers answers;
    Estimate candidate;             // accuracy, Wilson
    Estimate original;              // accuracy, Wilson
    Estimate difference;            // Newcombe
    Estimate clustered_difference;  // compare_paired of stats.h over clusters
    double p_exact = 1;
    double p_mid = 1;
    Estimate error_increase;            // Bonett & Price
    Estimate clustered_error_increase;  // compare_paired's ratio of the errors, minus 1
    bool decided = false;               // p_mid < alpha
};
// All intervals at 1 - `alpha`; with the default, 95 %.
AccuracyComparison compare_answers(std::span<const uint8_t> candidate,
                                   std::span<const uint8_t> original,
                                   std::span<const uint32_t> cluster, size_t n_clusters,
                                   double alpha = 0.05);

// What a comparison is planned for: the chance `power` to decide, at level `alpha` (two-sided).
struct TestPower {
    double power = 0.8;
    double alpha = 0.05;
};

// How many questions tell accuracies `p_a` and `p_b` of two files apart when a share
// `discordant_share` of questions is right in exactly one of them, |p_a - p_b| <= discordant_share
// <= 1:
//
//     n = (z_{1-alpha/2} sqrt(psi) + z_{power} sqrt(psi - delta^2))^2 / delta^2
//
// rounded up, delta = p_a - p_b, psi = discordant_share [McNemar's test; Connor 1987, Biometrics
// 43, 207]. Nothing when p_a = p_b: no number of questions will do.
std::optional<uint64_t> questions_to_separate(double p_a, double p_b, double discordant_share,
                                              const TestPower& test = {});

// The smallest difference in accuracy that `n` questions of which a share `discordant_share` is
// right in exactly one file will tell apart: the same formula, solved for delta. Nothing when even
// delta = discordant_share (all changes in one direction) needs more questions, and without a
// question or any discordance.
std::optional<double> detectable_difference(uint64_t n, double discordant_share,
                                            const TestPower& test = {});

}  // namespace bitgauge
