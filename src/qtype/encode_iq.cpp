#include "qtype/encode_iq.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include <ggml.h>

namespace bitgauge {

void IqRows::require_importance() const {
    if (importance != nullptr) return;
    throw Error(ErrorKind::kInput, fmt::format("{} cannot be encoded without importance", type),
                "give an importance matrix, or choose a type that needs none (IQ2_S, Q2_K)");
}

void IqRows::require_numbers(size_t block) const {
    const float* values = weights_of(block);
    if (!std::all_of(values, values + kIqBlockWeights, [](float x) { return std::isfinite(x); })) {
        refuse(block);
    }
}

void IqRows::refuse(size_t block) const {
    const size_t column = block % row_blocks() * kIqBlockWeights;
    throw Error(
        ErrorKind::kNotFinite,
        fmt::format("weights of row {} from column {} on are too large, or not numbers, for "
                    "the search of {}",
                    block / row_blocks(), column, type),
        "keep this tensor in another type");
}

int32_t iq_scale_code(float scale, float inverse, int32_t top) {
    const float shifted = 0.5F * (inverse * scale - 1) + 12582912.0F;
    const int32_t nearest = (std::bit_cast<int32_t>(shifted) & 0x007fffff) - 0x00400000;
    return std::max(0, std::min(top, nearest));
}

uint16_t iq_half(float value) {
    return ggml_fp32_to_fp16(value);
}

}  // namespace bitgauge
