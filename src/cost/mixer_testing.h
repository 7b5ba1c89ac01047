#pragma once

// A model of two layers and its sweep, for tests of mixes.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/qtype.h"

#include "cost/cost_testing.h"

namespace bitgauge {

inline const std::vector<std::string> kTypes{"q8_0", "q6_K",   "q5_K",  "q4_K", "q3_K",
                                             "q2_K", "iq4_xs", "iq3_s", "iq2_s"};

// Evens out over the eight clusters of prose, and over the two of code.
inline double unevenness(size_t cluster) {
    return 1 + 0.1 * (static_cast<double>(cluster * 7 % 5) - 2);
}

struct Example {
    ModelHeader model{.architecture = "llama", .layers = 2, .other_bytes = 1000};
    SweepTable table;
    std::vector<Sensitivity> found;

    explicit Example(double switching = 0) {
        table.strata = {"prose", "code"};
        for (size_t c = 0; c < 10; ++c) {
            table.cluster_stratum.push_back(c < 8 ? 0 : 1);
            table.cluster_tokens.push_back(100);
        }
        for (int32_t layer = 0; layer < 2; ++layer) {
            for (const char* role : {"attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up"}) {
                add(role, layer, 0.1 * (1 + layer), switching);
            }
            add("ffn_down", layer, 0.4, 2 * switching);
            model.tensors.push_back(
                made_tensor("blk." + std::to_string(layer) + ".attn_norm.weight", {256}, "f32"));
        }
        model.tensors.push_back(made_tensor("rope_freqs.weight", {5}, "f32"));  // padded
        found = sensitivities(table);
    }

    void add(const std::string& role, int32_t layer, double smooth, double switching) {
        TensorCost tensor = made_cost(role, layer, {});
        const std::vector<uint64_t> shape{256, role == "attn_k" || role == "attn_v" ? 64U : 512U};
        model.tensors.push_back(made_tensor(tensor.tensor, shape, "bf16"));
        tensor.weights = shape[0] * shape[1];
        tensor.errors["bf16"] = 0;
        for (const std::string& type : kTypes) {
            tensor.errors[type] = 2 * std::pow(4, -find_type(type)->bits_per_weight());
        }
        for (const double error : {0.005, 0.03}) {
            tensor.probes.push_back(made_probe(error, law(smooth, switching, error), {}));
            for (size_t c = 0; c < table.cluster_tokens.size(); ++c) {
                tensor.probes.back().cluster_kld.push_back(tensor.probes.back().kld_nats.value *
                                                           100 * unevenness(c));
            }
        }
        table.tensors.push_back(std::move(tensor));
    }

    // What the tensor adds, it adds to the two clusters of code: four times the mean there.
    void disturb_code(const std::string& name) {
        for (TensorCost& tensor : table.tensors) {
            if (tensor.tensor != name) continue;
            for (Probe& probe : tensor.probes) {
                for (size_t c = 0; c < 10; ++c) probe.cluster_kld[c] *= c < 8 ? 0.25 : 4;
            }
        }
        found = sensitivities(table);
    }

    Mixer mixer(const MixOptions& options = {}, const Calibration& calibration = {}) const {
        return Mixer(model, table, found, options, calibration);
    }
    MixPlan planned(const MixOptions& options, double bits = 4) const {
        return mixer(options).for_bytes(bytes_of(bits));
    }
    uint64_t bytes_of(double bits) const {
        double weights = 0;
        for (const TensorCost& tensor : table.tensors)
            weights += static_cast<double>(tensor.weights);
        return static_cast<uint64_t>(weights * bits / 8);
    }
    Mix all_in(const std::string& type) const {
        Mix mix;
        for (const TensorCost& tensor : table.tensors) mix[tensor.tensor] = type;
        return mix;
    }
};

}  // namespace bitgauge
