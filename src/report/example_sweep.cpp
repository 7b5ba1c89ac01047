#include "report/example_sweep.h"

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {
namespace {

constexpr int32_t kLayers = 12;
constexpr size_t kDocuments = 30;
constexpr double kTokensPerDocument = 260;
constexpr double kNorm = 1.4;

struct Role {
    const char* name;
    uint64_t weights;  // of one tensor
    double smooth;     // nats per unit of error, in the middle of the model
    double switching;  // nats per root of error
    bool long_rows = true;
};

constexpr Role kRoles[] = {
    {"attn_qkv", 8'388'608, 0.10, 0.004},         {"attn_output", 4'194'304, 0.15, 0.006},
    {"ffn_gate_exps", 134'217'728, 0.03, 0.0015}, {"ffn_up_exps", 134'217'728, 0.02, 0.001},
    {"ffn_down_exps", 134'217'728, 0.12, 0.003},  {"ssm_alpha", 65'536, 0.01, 0.0005, false},
};
constexpr Role kEmbeddings = {"token_embd", 268'435'456, 0.30, 0.002};
constexpr Role kHead = {"output", 268'435'456, 0.45, 0.0};

const std::vector<std::pair<const char*, double>>& type_errors(bool long_rows) {
    static const std::vector<std::pair<const char*, double>> of_32{
        {"bf16", 0}, {"q8_0", 2.9e-5}, {"q5_1", 1.5e-3}, {"q5_0", 1.9e-3}, {"q4_0", 7.5e-3}};
    static const std::vector<std::pair<const char*, double>> all{
        {"bf16", 0},       {"q8_0", 2.9e-5}, {"q6_K", 3.2e-4},   {"q5_K", 1.3e-3},
        {"q4_K", 5.2e-3},  {"q4_0", 7.5e-3}, {"iq4_xs", 5.9e-3}, {"q3_K", 2.3e-2},
        {"iq3_xxs", 3e-2}, {"q2_K", 7.0e-2}, {"iq2_xxs", 0.13}};
    return long_rows ? all : of_32;
}

// Uniform in [-1, 1), the same on every platform.
double noise(std::mt19937& generator) {
    return static_cast<double>(generator()) / 2147483648.0 - 1.0;
}

// Dear at both ends.
double depth_factor(int32_t layer) {
    const double x = 2.0 * layer / (kLayers - 1) - 1;
    return layer < 0 ? 1 : 0.6 + 1.8 * x * x;
}

double nats_at(const Role& role, int32_t layer, double error) {
    return depth_factor(layer) * (role.smooth * error + role.switching * std::sqrt(error));
}

Probe probe_of(const TensorCost& tensor, const std::string& type, double nats) {
    std::mt19937 generator(static_cast<uint32_t>(tensor.layer + 2));
    Probe probe{type, tensor.errors.at(type), {nats, 0.92 * nats, 1.09 * nats}, {}};
    for (size_t d = 0; d < kDocuments; ++d) {
        probe.cluster_kld.push_back(nats * kTokensPerDocument * (1 + 0.5 * noise(generator)));
    }
    return probe;
}

bool is_measured(int32_t layer) {
    return layer < 0 || layer % 4 == 0 || layer == kLayers - 1;
}

std::string tensor_name(const Role& role, int32_t layer) {
    return (layer < 0 ? "" : "blk." + std::to_string(layer) + ".") + role.name + ".weight";
}

TensorCost tensor_of(const Role& role, int32_t layer) {
    TensorCost tensor{.tensor = tensor_name(role, layer),
                      .role = role.name,
                      .layer = layer,
                      .weights = role.weights};
    for (const auto& [type, error] : type_errors(role.long_rows)) tensor.errors[type] = error;
    if (!is_measured(layer)) return tensor;
    for (const char* type : {role.long_rows ? "q3_K" : "q4_0", role.long_rows ? "q5_K" : "q5_1"}) {
        const double nats = nats_at(role, layer, tensor.errors[type]);
        tensor.probes.push_back(probe_of(tensor, type, nats));
    }
    return tensor;
}

template <class Visit>
void each_tensor(const Visit& visit) {
    visit(kHead, -1);
    visit(kEmbeddings, -1);
    for (int32_t layer = 0; layer < kLayers; ++layer) {
        for (const Role& role : kRoles) visit(role, layer);
    }
}

MeasuredMix mix_of(const char* name, const char* type, const char* type_of_32, double off) {
    MeasuredMix mix{.name = name, .record_key = std::string("record of ") + name};
    double smooth = 0, switching = 0;
    each_tensor([&](const Role& role, int32_t layer) {
        const TensorCost tensor = tensor_of(role, layer);
        const std::string taken = role.long_rows ? type : type_of_32;
        mix.types[tensor.tensor] = taken;
        const double error = tensor.errors.at(taken), depth = depth_factor(layer);
        smooth += depth * role.smooth * error;
        switching += std::pow(depth * role.switching * std::sqrt(error), kNorm);
    });
    const double nats = off * (smooth + std::pow(switching, 1 / kNorm));
    mix.kld_nats = {nats, 0.95 * nats, 1.06 * nats};
    mix.corpus_key = "c0ffee";
    return mix;
}

ModelIdentity original() {
    ModelIdentity model;
    model.file = "Lumen-10B-A1B-BF16.gguf";
    model.name = "Lumen 10B A1B";
    model.label = "BF16";
    model.architecture = "qwen3moe";
    model.content_hash = "5eedBF16";
    model.size_bytes = 20'992'000'000;
    model.parameters = 10'490'000'000;
    model.bits_per_weight = 16.01;
    return model;
}

}  // namespace

SweepTable example_model_sweep() {
    SweepTable sweep;
    sweep.key = "0ddba11c0ffee000";
    sweep.created_utc = "2026-11-22T12:00:00Z";
    sweep.original = original();
    sweep.importance_file = "Lumen-10B-A1B.imatrix.gguf";
    sweep.importance_hash = "1337";
    sweep.protocol = {"documents", 512, 64, true, 4, 512};
    sweep.corpus.key = "c0ffee";
    sweep.corpus.files = {{"prose.txt", "prose", "h", kDocuments}};
    sweep.corpus.documents = kDocuments;
    sweep.corpus.windows = kDocuments;
    sweep.corpus.scored_tokens = static_cast<uint64_t>(kDocuments * kTokensPerDocument);
    sweep.corpus.cluster_unit = "document";
    sweep.build = {"0.1.0", "0.5.0 (3af988f)", "0.25.3", "CPU", "a processor", 2};
    sweep.strata = {"prose"};
    sweep.cluster_stratum.assign(kDocuments, 0);
    sweep.cluster_tokens.assign(kDocuments, kTokensPerDocument);
    each_tensor(
        [&](const Role& role, int32_t layer) { sweep.tensors.push_back(tensor_of(role, layer)); });
    sweep.mixes = {mix_of("all in q3_K", "q3_K", "q4_0", 1.04),
                   mix_of("all in q4_K", "q4_K", "q4_0", 0.98), mix_of("plan", "q5_K", "q5_1", 1)};
    sweep.mixes.back().corpus_key = "decaf";
    return sweep;
}

}  // namespace bitgauge
