#pragma once

// Entries made by hand for tests.

#include <string>
#include <vector>

#include "bitgauge/prior.h"

#include "cost/cost_testing.h"

namespace bitgauge {

inline Prior made_prior(const std::string& name, const std::string& architecture,
                        uint64_t parameters, const std::map<std::string, PriorRole>& roles) {
    Prior prior{.name = name,
                .architecture = architecture,
                .parameters = parameters,
                .layers = 9,
                .source = {.kind = "sweep", .about = "made up"},
                .roles = roles,
                .origin = "made"};
    for (const auto& [role, curve] : roles) prior.experts |= role.ends_with("_exps");
    return prior;
}

inline TensorCost guessed_tensor(const std::string& role, int32_t layer, uint64_t weights = 1000) {
    TensorCost tensor = made_cost(role, layer, {});
    if (layer < 0) tensor.tensor = role + ".weight";
    tensor.weights = weights;
    return tensor;
}

}  // namespace bitgauge
