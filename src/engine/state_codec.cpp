#include "engine/state_codec.h"

#include <cstring>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include <ggml.h>

namespace bitgauge {

std::string to_string(StatePrecision precision) {
    switch (precision) {
        case StatePrecision::kF16:
            return "f16";
        case StatePrecision::kBf16:
            return "bf16";
        case StatePrecision::kF32:
            break;
    }
    return "f32";
}

StatePrecision state_precision_by_name(const std::string& name) {
    for (auto precision : {StatePrecision::kF16, StatePrecision::kBf16, StatePrecision::kF32}) {
        if (to_string(precision) == name) return precision;
    }
    throw Error(ErrorKind::kInput, fmt::format("unknown state precision '{}'", name),
                "one of f16, bf16, f32");
}

int ggml_type_of(StatePrecision precision) {
    switch (precision) {
        case StatePrecision::kF16:
            return GGML_TYPE_F16;
        case StatePrecision::kBf16:
            return GGML_TYPE_BF16;
        case StatePrecision::kF32:
            break;
    }
    return GGML_TYPE_F32;
}

size_t state_bytes(StatePrecision precision, size_t values) {
    return values * (precision == StatePrecision::kF32 ? 4 : 2);
}

void encode_states(StatePrecision precision, std::span<const float> states,
                   std::span<std::byte> out) {
    const auto n = static_cast<int64_t>(states.size());
    switch (precision) {
        case StatePrecision::kF16:
            ggml_fp32_to_fp16_row(states.data(), reinterpret_cast<ggml_fp16_t*>(out.data()), n);
            return;
        case StatePrecision::kBf16:
            ggml_fp32_to_bf16_row(states.data(), reinterpret_cast<ggml_bf16_t*>(out.data()), n);
            return;
        case StatePrecision::kF32:
            std::memcpy(out.data(), states.data(), states.size_bytes());
    }
}

void decode_states(StatePrecision precision, std::span<const std::byte> bytes,
                   std::span<float> out) {
    const auto n = static_cast<int64_t>(out.size());
    switch (precision) {
        case StatePrecision::kF16:
            ggml_fp16_to_fp32_row(reinterpret_cast<const ggml_fp16_t*>(bytes.data()), out.data(),
                                  n);
            return;
        case StatePrecision::kBf16:
            ggml_bf16_to_fp32_row(reinterpret_cast<const ggml_bf16_t*>(bytes.data()), out.data(),
                                  n);
            return;
        case StatePrecision::kF32:
            std::memcpy(out.data(), bytes.data(), out.size_bytes());
    }
}

}  // namespace bitgauge
