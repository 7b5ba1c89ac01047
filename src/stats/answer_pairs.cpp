#include <algorithm>
#include <cmath>

#include <boost/math/distributions/binomial.hpp>

#include "bitgauge/accuracy.h"
#include "bitgauge/stats.h"

#include "stats/answer_sums.h"
#include "stats/score_interval.h"

namespace bitgauge {

namespace {

using Binomial = boost::math::binomial_distribution<double>;

// Correlation of the two answers, with the continuity correction that Newcombe gives a positive
// one: half the questions are taken off the determinant, not below 0.
double corrected_phi(const PairedAnswers& answers) {
    const auto e = static_cast<double>(answers.both),
               f = static_cast<double>(answers.only_candidate);
    const auto g = static_cast<double>(answers.only_original);
    const auto h = static_cast<double>(answers.neither), n = e + f + g + h;
    const double margins = (e + f) * (g + h) * (e + g) * (f + h);
    if (margins == 0) return 0;
    const double determinant = e * h - f * g;
    const double corrected = determinant > 0 ? std::max(determinant - n / 2, 0.0) : determinant;
    return corrected / std::sqrt(margins);
}

// Length of the sum of two deviations with correlation `phi` (of a difference: minus).
double joined(double a, double b, double phi) {
    return std::sqrt(std::max(a * a - 2 * phi * a * b + b * b, 0.0));
}

// What the two Wilson intervals of a ratio are narrowed to for the dependence of its halves;
// Bonett & Price's (A / (B + C)) z.
double z_of_ratio(double a, double b, double either, double discordant, double z) {
    const double whole = std::sqrt((discordant + 2) / ((a + 1) * (b + 1)));
    const auto part = [&](double x) { return std::sqrt((1 - (x + 1) / (either + 2)) / (x + 1)); };
    return z * whole / (part(a) + part(b));
}

// P(X <= k) and P(X = k) of the discordant questions that fall on the rarer side.
struct Tail {
    double up_to = 1, at = 1;
};
Tail rarer_side(uint64_t a, uint64_t b) {
    const Binomial half(static_cast<double>(a + b), 0.5);
    const auto k = static_cast<double>(std::min(a, b));
    return {boost::math::cdf(half, k), boost::math::pdf(half, k)};
}

std::vector<double> errors_of(const stats::AnswerSums& sums) {
    std::vector<double> errors = sums.questions;
    for (size_t i = 0; i < errors.size(); ++i) errors[i] -= sums.right[i];
    return errors;
}

Estimate minus_one(const Estimate& ratio) {
    return {ratio.value - 1, ratio.low - 1, ratio.high - 1};
}

void compare_clusters(const stats::AnswerSums& candidate, const stats::AnswerSums& original,
                      double confidence, AccuracyComparison& out) {
    out.clustered_difference =
        compare_paired(candidate.right, original.right, candidate.questions, confidence).difference;
    out.clustered_error_increase = minus_one(
        compare_paired(errors_of(candidate), errors_of(original), candidate.questions, confidence)
            .ratio);
}

}  // namespace

PairedAnswers count_pairs(std::span<const uint8_t> candidate, std::span<const uint8_t> original) {
    stats::require_same_length(candidate.size(), original.size(), "answers of the candidate",
                               "of the original");
    PairedAnswers answers;
    for (size_t i = 0; i < candidate.size(); ++i) {
        if (candidate[i] != 0) {
            ++(original[i] != 0 ? answers.both : answers.only_candidate);
        } else {
            ++(original[i] != 0 ? answers.only_original : answers.neither);
        }
    }
    return answers;
}

Estimate paired_difference(const PairedAnswers& answers, double confidence) {
    const Estimate a = wilson_interval(answers.candidate_right(), answers.n(), confidence);
    const Estimate b = wilson_interval(answers.original_right(), answers.n(), confidence);
    const double phi = corrected_phi(answers), difference = a.value - b.value;
    return {difference, difference - joined(a.value - a.low, b.high - b.value, phi),
            difference + joined(a.high - a.value, b.value - b.low, phi)};
}

Estimate error_increase(const PairedAnswers& answers, double confidence) {
    const double z = stats::two_sided_z(confidence);
    const auto discordant = static_cast<double>(answers.discordant());
    const auto either = static_cast<double>(answers.neither) + discordant;
    const auto a = static_cast<double>(answers.neither + answers.only_original);
    const auto b = static_cast<double>(answers.neither + answers.only_candidate);
    if (b == 0) return {};
    const double narrowed = z_of_ratio(a, b, either, discordant, z);
    const Estimate candidate = stats::wilson(a, either, narrowed);
    const Estimate original = stats::wilson(b, either, narrowed);
    return minus_one({a / b, candidate.low / original.high, candidate.high / original.low});
}

double mcnemar_exact_p(uint64_t only_candidate, uint64_t only_original) {
    if (only_candidate == only_original) return 1;
    return std::min(2 * rarer_side(only_candidate, only_original).up_to, 1.0);
}

double mcnemar_mid_p(uint64_t only_candidate, uint64_t only_original) {
    if (only_candidate + only_original == 0) return 1;
    const Tail tail = rarer_side(only_candidate, only_original);
    if (only_candidate == only_original) return 1 - tail.at / 2;
    return std::max(2 * tail.up_to - tail.at, 0.0);
}

AccuracyComparison compare_answers(std::span<const uint8_t> candidate,
                                   std::span<const uint8_t> original,
                                   std::span<const uint32_t> cluster, size_t n_clusters,
                                   double alpha) {
    stats::require_open_share(alpha, "alpha");
    const double confidence = 1 - alpha;
    AccuracyComparison c;
    c.answers = count_pairs(candidate, original);
    c.candidate = wilson_interval(c.answers.candidate_right(), c.answers.n(), confidence);
    c.original = wilson_interval(c.answers.original_right(), c.answers.n(), confidence);
    c.difference = paired_difference(c.answers, confidence);
    c.p_exact = mcnemar_exact_p(c.answers.only_candidate, c.answers.only_original);
    c.p_mid = mcnemar_mid_p(c.answers.only_candidate, c.answers.only_original);
    c.error_increase = error_increase(c.answers, confidence);
    compare_clusters(stats::sum_by_cluster(candidate, cluster, n_clusters),
                     stats::sum_by_cluster(original, cluster, n_clusters), confidence, c);
    c.decided = c.p_mid < alpha;
    return c;
}

}  // namespace bitgauge
