#include <algorithm>
#include <string_view>

#include "bitgauge/hardware.h"

namespace bitgauge {
namespace {

constexpr uint64_t kHalf = 2;    // bytes of a key's or a value's number
constexpr uint64_t kSingle = 4;  // of an intermediate one
// Intermediate results of a layer that may live at once, of the residual's width and of the widest
// matrix: generous against what libllama's allocator reports for llama, qwen35moe and gemma3.
constexpr uint64_t kResiduals = 16;
constexpr uint64_t kWidest = 4;

struct Header {
    const GgufFile& file;

    uint64_t number(std::string_view suffix, uint64_t otherwise) const {
        const auto value = file.integer(file.architecture() + "." + std::string(suffix));
        return value && *value > 0 ? static_cast<uint64_t>(*value) : otherwise;
    }
};

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
    const Header header{model};
    const uint64_t layers = header.number("block_count", 1);
    const uint64_t width = header.number("embedding_length", 0);
    const uint64_t heads = header.number("attention.head_count", 1);
    const uint64_t heads_kv = header.number("attention.head_count_kv", heads);
    const uint64_t head =
        header.number("attention.key_length", width / std::max<uint64_t>(1, heads));
    const uint64_t used = header.number("expert_used_count", 1);
    const uint64_t tokens = window_tokens * sequences;
    const uint64_t scores = heads * window_tokens;  // of one token against a window
    const uint64_t per_token = kResiduals * width * std::min<uint64_t>(used, 8) +
                               kWidest * widest_output(model) + scores + 2 * model.vocabulary();
    return {.weights = model.tensor_bytes(),
            .context = 2 * kHalf * layers * heads_kv * head * tokens,
            .compute = kSingle * call_tokens * per_token};
}

}  // namespace bitgauge
