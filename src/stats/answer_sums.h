#pragma once

// Answers added up by cluster, as the clustered intervals take them. Thread-safe: no state.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge::stats {

// One entry per cluster.
struct AnswerSums {
    std::vector<double> right;
    std::vector<double> questions;
};

// Error(kInput) where the lengths differ or a cluster is outside [0, n_clusters).
AnswerSums sum_by_cluster(std::span<const uint8_t> right, std::span<const uint32_t> cluster,
                          size_t n_clusters);

// Error(kInput) that says so when a != b.
void require_same_length(size_t a, size_t b, const char* what_a, const char* what_b);

}  // namespace bitgauge::stats
