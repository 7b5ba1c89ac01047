#pragma once

// Records, answers and sweeps with every field set to a value of its own: for tests.

#include "bitgauge/drift_record.h"
#include "bitgauge/record.h"
#include "bitgauge/sweep_table.h"
#include "bitgauge/task_record.h"

namespace bitgauge {

inline ModelIdentity example_model(const char* label, uint64_t size_bytes) {
    ModelIdentity model;
    model.file = std::string("small-") + label + ".gguf";
    model.name = "small";
    model.publisher = "someone";
    model.label = label;
    model.architecture = "llama";
    model.content_hash = "0123456789abcdef";
    model.size_bytes = size_bytes;
    model.parameters = 1000;
    model.bits_per_weight = 4.83;
    model.type_bytes = {{"Q4_K", 400}, {"Q6_K", 100}};
    return model;
}

inline BaselineIdentity example_baseline() {
    BaselineIdentity baseline;
    baseline.key = "baseline-key";
    baseline.kind = "states";
    baseline.precision = "f16";
    baseline.original = example_model("BF16", 2000);
    baseline.self_kld_nats = 3e-8;
    baseline.head_check_max_abs = 1.5e-5;
    baseline.head_check_outcome = "equal to libllama's logits";
    return baseline;
}

inline CorpusIdentity example_corpus() {
    CorpusIdentity corpus;
    corpus.key = "corpus-key";
    corpus.files = {{"a.txt", "prose", "aa", 3}, {"b.txt", "code", "bb", 2}};
    corpus.documents = 5;
    corpus.windows = 7;
    corpus.scored_tokens = 900;
    corpus.cluster_unit = "document";
    return corpus;
}

inline BuildIdentity example_build() {
    return {"0.1.0", "0.5.0 (abc)", "0.25.3", "CPU", "some processor", 2};
}

inline MeasureRecord example_record(const char* key = "record-key",
                                    const char* created_utc = "2026-11-21T12:00:00Z") {
    MeasureRecord r;
    r.key = key;
    r.created_utc = created_utc;
    r.model = example_model("Q4_K_M", 500);
    r.baseline = example_baseline();
    r.protocol = {"documents", 2048, 64, true, 4, 512};
    r.corpus = example_corpus();
    r.scored_positions = 899;
    r.nonfinite_positions = 1;
    r.complete = false;
    r.kld_nats = {{0.010, 0.009, 0.011},
                  {0.004, 0.003, 0.005},
                  {0.02, 0.01, 0.03},
                  {0.03, 0.02, 0.04},
                  {0.10, 0.09, 0.12},
                  {0.5, 0.4, 0.7},
                  1.25,
                  0.0002};
    r.noise_floor_nats = 1e-4;
    r.ppl = {6.55, 6.40, 6.70};
    r.ppl_original = 6.51;
    r.ppl_ratio = {1.006, 1.005, 1.007};
    r.ln_ppl_ratio = {0.006, 0.005, 0.007};
    r.same_top = {0.957, 0.955, 0.959};
    r.mean_delta_p = {-0.001, -0.002, -0.0005};
    r.rms_delta_p = {0.03, 0.02, 0.04};
    r.strata = {{"prose", 500, 3, {0.01, 0.009, 0.011}, {1.1, 1.0, 1.2}, {0.9, 0.8, 0.95}},
                {"code", 399, 2, {0.02, 0.01, 0.03}, {1.2, 1.1, 1.3}, {0.8, 0.7, 0.9}}};
    r.by_position = {{64, 127, 300, 0.012}, {128, 255, 599, 0.009}};
    r.histogram = {{-5, -4, -3, -2, -1}, {1, 2, 3, 4}};
    r.clusters = {{0, 0, 0, 1, 1}, {200, 150, 150, 200, 199}, {2, 1, 2, 3, 1},
                  {1, 2, 3, 4, 5}, {1.5, 2.5, 3.5, 4.5, 5.5}, {190, 140, 141, 180, 170}};
    r.build = example_build();
    r.elapsed_s = 12.5;
    r.peer_statistics = {{"99.0% Δp", 0.12}};
    return r;
}

// Five questions of two sets.
inline TaskRecord example_tasks(const char* key = "tasks-key",
                                const char* created_utc = "2026-11-21T12:00:00Z") {
    TaskRecord r;
    r.key = key;
    r.created_utc = created_utc;
    r.model = example_model("Q4_K_M", 500);
    r.mix = "published-750";
    r.questions_key = "questions-key";
    r.settings = {true, 4096, true, 0.7, 20, 0.95, 1.0 / 3, 18'446'744'073'709'551'615ULL, 5};
    r.sets = {"gsm8k", "mmlu"};
    r.clusters = 4;
    r.answers = {
        {"7", "12", "law/3", "law/9", "math/0"}, {0, 0, 1, 1, 1}, {0, 1, 2, 2, 3}, {1, 0, 1, 1, 0}};
    r.failures = {1, 2, 3, 4};
    r.written_tokens = 5'000'000'000;
    r.build = example_build();
    r.elapsed_s = 0.1;
    return r;
}

// Three beginnings of two strata, four tokens after each.
inline DriftRecord example_drift(const char* key = "drift-key",
                                 const char* created_utc = "2026-11-21T12:00:00Z") {
    DriftRecord r;
    r.key = key;
    r.created_utc = created_utc;
    r.model = example_model("Q4_K_M", 500);
    r.baseline_key = "baseline-key";
    r.original = example_model("BF16", 2000);
    r.beginnings_key = "beginnings-key";
    r.prompt_tokens = 128;
    r.tokens = 4;
    r.parallel = 16;
    r.strata = {"prose", "code"};
    r.clusters = 5;
    r.beginnings = {{0, 0, 1}, {0, 2, 4}, {4, 1, 3}};
    r.floor_same_tokens = {4, 2};
    r.build = example_build();
    r.elapsed_s = 1.5;
    return r;
}

inline Probe example_probe(const char* type, double error) {
    return {type, error, {0.01 + error, 0.009, 0.011}, {1.5, 0.1 + error}};
}

inline TensorCost example_tensor(const char* role = "ffn_down", int32_t layer = 3) {
    TensorCost tensor;
    tensor.tensor = std::string("blk.") + std::to_string(layer) + "." + role + ".weight";
    tensor.role = role;
    tensor.layer = layer;
    tensor.weights = 5'000'000'000;
    tensor.errors = {{"bf16", 0}, {"q4_K", 0.1}, {"q2_K", 1.0 / 3}};
    tensor.probes = {example_probe("q4_K", 0.1), example_probe("q2_K", 1.0 / 3)};
    return tensor;
}

inline MeasuredMix example_mix(const char* name = "Q4_K_M") {
    return {name,         {{"blk.3.ffn_down.weight", "q6_K"}, {"token_embd.weight", "q4_K"}},
            "record-key", "corpus-key",
            true,         {0.02, 0.019, 0.022}};
}

// Without tensors and mixes, as it is put.
inline SweepTable example_sweep(const char* key = "sweep-key",
                                const char* created_utc = "2026-11-21T12:00:00Z") {
    SweepTable sweep;
    sweep.key = key;
    sweep.created_utc = created_utc;
    sweep.original = example_model("BF16", 2000);
    sweep.importance_file = "imatrix.gguf";
    sweep.importance_hash = "fedcba";
    sweep.protocol = {"documents", 2048, 64, true, 4, 512};
    sweep.corpus = example_corpus();
    sweep.build = example_build();
    sweep.strata = {"prose", "code"};
    sweep.cluster_stratum = {0, 1};
    sweep.cluster_tokens = {500, 400};
    return sweep;
}

}  // namespace bitgauge
