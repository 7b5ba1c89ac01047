#pragma once

// What a sweep found: for each tensor of a model how much quantizing it alone disturbs the model,
// and what each type does to it: `bitgauge.sweep/1`.
//
// Units: nats per token for divergences. Errors are relative and have none: the mean square error
// of a matrix' output over its mean square (quantize/type_errors.h).

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bitgauge/estimate.h"
#include "bitgauge/identity.h"
#include "bitgauge/record.h"

namespace bitgauge {

// One tensor disturbed alone, and what that did to the model.
struct Probe {
    std::string type;  // ggml's name of what its values were turned into and back
    double error = 0;  // of the tensor in that type
    Estimate kld_nats;
    std::vector<double> cluster_kld;  // sums over each cluster's positions, nats
};

struct TensorCost {
    static constexpr const char* kSchema = "bitgauge.sweep-tensor/1";

    std::string tensor;
    std::string role;
    int32_t layer = -1;  // -1: none (embeddings, output head)
    uint64_t weights = 0;
    std::map<std::string, double> errors;  // type -> error; only types the tensor can have
    std::vector<Probe> probes;             // empty: not measured
};

// A whole mix of types that was measured, to tie sums of single tensors to what they come to.
struct MeasuredMix {
    static constexpr const char* kSchema = "bitgauge.sweep-mix/1";

    std::string name;
    std::map<std::string, std::string> types;  // tensor -> ggml's name
    std::string record_key;                    // of the measurement
    std::string corpus_key;                    // of the text it was measured on
    bool probes_text = false;                  // on the very windows of the probes
    Estimate kld_nats;
};

struct SweepTable {
    static constexpr const char* kSchema = "bitgauge.sweep/1";

    std::string key;          // content key: original, importance, text, protocol, build
    std::string created_utc;  // "2026-11-22T12:00:00Z"
    ModelIdentity original;
    std::string importance_file;  // base name; "" without
    std::string importance_hash;
    ProtocolIdentity protocol;
    CorpusIdentity corpus;
    BuildIdentity build;
    std::vector<std::string> strata;
    std::vector<uint32_t> cluster_stratum;  // index into strata
    std::vector<double> cluster_tokens;     // scored positions
    std::vector<TensorCost> tensors;        // all that are quantized at all, in the model's order
    std::vector<MeasuredMix> mixes;         // in the order of their names
};

}  // namespace bitgauge
