#include "engine/activation.h"

#include <cstdint>
#include <cstring>

#include <ggml-cpu.h>
#include <ggml.h>

namespace bitgauge {
namespace {

// ggml's partner blocks (ggml-common.h, stable since 2023): a scale, integers, sums of integers.
struct BlockQ8K {
    float d;
    int8_t qs[256];
    int16_t bsums[16];
};
struct BlockQ80 {
    ggml_fp16_t d;
    int8_t qs[32];
};
struct BlockQ81 {
    ggml_fp16_t d;
    ggml_fp16_t s;
    int8_t qs[32];
};
static_assert(sizeof(BlockQ8K) == 292 && sizeof(BlockQ80) == 34 && sizeof(BlockQ81) == 36);

float scale_of(const BlockQ8K& block) {
    return block.d;
}
float scale_of(const BlockQ80& block) {
    return ggml_fp16_to_fp32(block.d);
}
float scale_of(const BlockQ81& block) {
    return ggml_fp16_to_fp32(block.d);
}

template <class Block>
void decode_blocks(const std::byte* bytes, std::span<float> row) {
    constexpr size_t kBlock = sizeof(Block::qs);
    for (size_t at = 0; at + kBlock <= row.size(); at += kBlock) {
        Block block;
        std::memcpy(&block, bytes + at / kBlock * sizeof(Block), sizeof(Block));
        const float scale = scale_of(block);
        for (size_t i = 0; i < kBlock; ++i) row[at + i] = scale * static_cast<float>(block.qs[i]);
    }
}

ggml_type partner_of(int weight_type) {
    return ggml_get_type_traits_cpu(static_cast<ggml_type>(weight_type))->vec_dot_type;
}

}  // namespace

size_t activation_scratch_bytes(int weight_type, size_t width) {
    const ggml_type partner = partner_of(weight_type);
    return partner == GGML_TYPE_F32 ? 0 : ggml_row_size(partner, static_cast<int64_t>(width));
}

void round_activation_row(int weight_type, std::span<float> row, std::span<std::byte> scratch) {
    const ggml_type partner = partner_of(weight_type);
    if (partner == GGML_TYPE_F32) return;
    const auto width = static_cast<int64_t>(row.size());
    ggml_get_type_traits_cpu(partner)->from_float(row.data(), scratch.data(), width);
    switch (partner) {
        case GGML_TYPE_Q8_K:
            return decode_blocks<BlockQ8K>(scratch.data(), row);
        case GGML_TYPE_Q8_0:
            return decode_blocks<BlockQ80>(scratch.data(), row);
        case GGML_TYPE_Q8_1:
            return decode_blocks<BlockQ81>(scratch.data(), row);
        default:
            break;
    }
    const auto to_float = ggml_get_type_traits(partner)->to_float;
    if (to_float != nullptr) to_float(scratch.data(), row.data(), width);
}

}  // namespace bitgauge
