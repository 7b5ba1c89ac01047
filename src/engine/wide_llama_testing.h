#pragma once

// One layer of a llama, untrained and 256 wide, so that every type has whole blocks: 0.5 million
// weights, which a quantizer is done with at once.

#include <filesystem>

#include "engine/engine_testing.h"
#include "gguf/model_copy_testing.h"

namespace bitgauge {

inline void put_wide_layer(ModelCopy& copy) {
    const auto matrix = [&](const char* name, uint64_t width, uint64_t rows) {
        copy.put_tensor(std::string("blk.0.") + name + ".weight", {width, rows},
                        waves(width * rows, 1.7F));
    };
    matrix("attn_q", 256, 256);
    matrix("attn_k", 256, 128);
    matrix("attn_v", 256, 128);
    matrix("attn_output", 256, 256);
    matrix("ffn_gate", 256, 256);
    matrix("ffn_up", 256, 256);
    matrix("ffn_down", 256, 256);
    for (const char* norm : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight"}) {
        copy.put_tensor(norm, {256}, std::vector<float>(256, 1.0F));
    }
}

inline void write_wide_llama(const std::filesystem::path& path) {
    ModelCopy copy(baby_llama());
    for (const TensorInfo& tensor : copy.original().tensors()) copy.drop_tensor(tensor.name);
    copy.set_u32("llama.block_count", 1);
    copy.set_u32("llama.embedding_length", 256);
    copy.set_u32("llama.feed_forward_length", 256);
    copy.set_u32("llama.rope.dimension_count", 32);
    put_wide_layer(copy);
    copy.put_tensor("token_embd.weight", {256, 105}, waves(256 * 105));
    copy.put_tensor("output_norm.weight", {256}, std::vector<float>(256, 1.0F));
    copy.put_tensor("output.weight", {256, 105}, waves(256 * 105, 2.3F));
    copy.write(path);
}

}  // namespace bitgauge
