#pragma once

// Sweeps made by hand for tests.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/cost.h"

#include "recipe/recipe_testing.h"

namespace bitgauge {

// What one tensor alone did; each cluster has its part by its tokens.
inline Probe made_probe(double error, double nats, const std::vector<double>& cluster_tokens = {}) {
    Probe probe{.type = "q2_K", .error = error, .kld_nats = {.value = nats}};
    for (const double tokens : cluster_tokens) probe.cluster_kld.push_back(nats * tokens);
    return probe;
}

inline TensorCost made_cost(const std::string& role, int32_t layer,
                            const std::vector<std::pair<double, double>>& error_nats) {
    const std::string name = "blk." + std::to_string(layer) + "." + role + ".weight";
    TensorCost tensor{.tensor = name, .role = role, .layer = layer, .weights = 1000};
    for (const auto& [error, nats] : error_nats) tensor.probes.push_back(made_probe(error, nats));
    return tensor;
}

inline double law(double smooth, double switching, double error) {
    return smooth * error + switching * std::sqrt(error);
}

inline void expect_says(const std::string& message, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
        EXPECT_NE(message.find(part), std::string::npos) << part << " is not in: " << message;
    }
}

}  // namespace bitgauge
