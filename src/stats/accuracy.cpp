#include "bitgauge/accuracy.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <boost/math/distributions/normal.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/stats.h"

#include "stats/answer_sums.h"
#include "stats/score_interval.h"

namespace bitgauge {

namespace stats {

void require_open_share(double share, const std::string& name) {
    if (share > 0 && share < 1) return;
    throw Error(ErrorKind::kInput,
                fmt::format("{} is {}, which is not between 0 and 1", name, share));
}

double normal_quantile(double p) {
    return boost::math::quantile(boost::math::normal_distribution<double>(), p);
}

double two_sided_z(double confidence) {
    require_open_share(confidence, "the confidence");
    return normal_quantile((1 + confidence) / 2);
}

Estimate wilson(double successes, double n, double z) {
    if (n == 0) return {};
    const double share = successes / n, z2 = z * z / n;
    const double center = (share + z2 / 2) / (1 + z2);
    const double half = std::sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2);
    return {share, std::clamp(center - half, 0.0, share), std::clamp(center + half, share, 1.0)};
}

AnswerSums sum_by_cluster(std::span<const uint8_t> right, std::span<const uint32_t> cluster,
                          size_t n_clusters) {
    require_same_length(right.size(), cluster.size(), "answers", "clusters");
    AnswerSums sums{std::vector<double>(n_clusters), std::vector<double>(n_clusters)};
    for (size_t i = 0; i < right.size(); ++i) {
        if (cluster[i] >= n_clusters) {
            throw Error(ErrorKind::kInput, fmt::format("question {} is in cluster {} of {}", i,
                                                       cluster[i], n_clusters));
        }
        sums.right[cluster[i]] += right[i] != 0 ? 1 : 0;
        sums.questions[cluster[i]] += 1;
    }
    return sums;
}

void require_same_length(size_t a, size_t b, const char* what_a, const char* what_b) {
    if (a == b) return;
    throw Error(ErrorKind::kInput, fmt::format("{} {} and {} {}, where there is one of each per "
                                               "question",
                                               a, what_a, b, what_b));
}

}  // namespace stats

Estimate wilson_interval(uint64_t successes, uint64_t n, double confidence) {
    if (successes > n) {
        throw Error(ErrorKind::kInput, fmt::format("{} of {} cannot be right", successes, n));
    }
    return stats::wilson(static_cast<double>(successes), static_cast<double>(n),
                         stats::two_sided_z(confidence));
}

Estimate clustered_accuracy(std::span<const uint8_t> right, std::span<const uint32_t> cluster,
                            size_t n_clusters) {
    const stats::AnswerSums sums = stats::sum_by_cluster(right, cluster, n_clusters);
    Estimate accuracy = clustered_mean(sums.right, sums.questions);
    if (accuracy.has_interval()) accuracy.high = std::min(accuracy.high, 1.0);
    return accuracy;
}

Estimate share_reaching(std::span<const uint32_t> values, uint32_t limit,
                        std::span<const uint32_t> cluster, size_t n_clusters) {
    std::vector<uint8_t> reached;
    for (const uint32_t value : values) reached.push_back(value >= limit ? 1 : 0);
    const Estimate clustered = clustered_accuracy(reached, cluster, n_clusters);
    if (clustered.low < clustered.high) return clustered;
    return wilson_interval(std::accumulate(reached.begin(), reached.end(), uint64_t{0}),
                           reached.size());
}

double median_of(std::span<const uint32_t> values) {
    if (values.empty()) return 0;
    std::vector<uint32_t> sorted(values.begin(), values.end());
    std::ranges::sort(sorted);
    const size_t middle = sorted.size() / 2;
    if (sorted.size() % 2 == 1) return sorted[middle];
    return (sorted[middle - 1] + sorted[middle]) / 2.0;
}

}  // namespace bitgauge
