#include <algorithm>

#include "bitgauge/hardware.h"

#include "hardware/kept_states.h"

namespace bitgauge {
namespace {

constexpr uint64_t kSingle = 4;  // bytes of an intermediate number
// Intermediate results of a layer that may live at once, of the residual's width and of the widest
// matrix: generous against what libllama's allocator reports for llama, qwen35moe and gemma3.
constexpr uint64_t kResiduals = 16;
constexpr uint64_t kWidest = 4;

// The most rows of any matrix inside a layer; experts count once per expert that is used.
uint64_t widest_output(const GgufFile& file) {
    uint64_t rows = 0;
    for (const TensorInfo& tensor : file.tensors()) {
        if (!tensor.name.starts_with("blk.") || tensor.shape.size() < 2) continue;
        rows = std::max({rows, tensor.shape[0], tensor.shape[1]});
    }
    return rows;
}

}  // namespace

EvaluationMemory evaluation_memory(const GgufFile& model, uint64_t window_tokens,
                                   uint64_t sequences, uint64_t call_tokens) {
    const ArchitectureNumbers numbers{model};
    const KeptStates kept = kept_states(model);
    const uint64_t width = numbers.of("embedding_length", 0);
    const uint64_t used = numbers.of("expert_used_count", 1);
    const uint64_t per_token = kResiduals * width * std::min<uint64_t>(used, 8) +
                               kWidest * widest_output(model) + 2 * model.vocabulary();
    return {
        .weights = model.tensor_bytes(),
        .keys_values = kept.per_token * window_tokens * sequences,
        .recurrent = kept.per_sequence * sequences,
        .compute = kSingle * call_tokens * per_token,
        .scores = kSingle * call_tokens * numbers.of("attention.head_count", 1) * window_tokens};
}

}  // namespace bitgauge
