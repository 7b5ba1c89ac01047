#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/encoders.h"
#include "qtype/encoders_iq.h"

#include <ggml.h>

namespace bitgauge {
namespace {

struct OwnEncoder {
    ggml_type type;
    RowEncoder encode;
};

// One line per type.
// clang-format off
constexpr std::array kOwnEncoders = {
    OwnEncoder{GGML_TYPE_Q4_0, encode_q4_0_rows},
    OwnEncoder{GGML_TYPE_Q4_1, encode_q4_1_rows},
    OwnEncoder{GGML_TYPE_Q5_0, encode_q5_0_rows},
    OwnEncoder{GGML_TYPE_Q5_1, encode_q5_1_rows},
    OwnEncoder{GGML_TYPE_Q8_0, encode_q8_0_rows},
    OwnEncoder{GGML_TYPE_MXFP4, encode_mxfp4_rows},
    OwnEncoder{GGML_TYPE_Q2_K, encode_q2_k_rows},
    OwnEncoder{GGML_TYPE_Q3_K, encode_q3_k_rows},
    OwnEncoder{GGML_TYPE_Q4_K, encode_q4_k_rows},
    OwnEncoder{GGML_TYPE_Q5_K, encode_q5_k_rows},
    OwnEncoder{GGML_TYPE_Q6_K, encode_q6_k_rows},
    OwnEncoder{GGML_TYPE_IQ4_NL, encode_iq4_nl_rows},
    OwnEncoder{GGML_TYPE_IQ4_XS, encode_iq4_xs_rows},
    OwnEncoder{GGML_TYPE_IQ2_XXS, encode_iq2_xxs_rows},
    OwnEncoder{GGML_TYPE_IQ2_XS, encode_iq2_xs_rows},
    OwnEncoder{GGML_TYPE_IQ2_S, encode_iq2_s_rows},
    OwnEncoder{GGML_TYPE_IQ3_XXS, encode_iq3_xxs_rows},
    OwnEncoder{GGML_TYPE_IQ3_S, encode_iq3_s_rows},
    OwnEncoder{GGML_TYPE_IQ1_S, encode_iq1_s_rows},
    OwnEncoder{GGML_TYPE_IQ1_M, encode_iq1_m_rows},
};
// clang-format on

// The cases of ggml_quantize_chunk, which ends the process on any other type.
constexpr std::array kEncodable = {
    GGML_TYPE_F32,    GGML_TYPE_F16,    GGML_TYPE_BF16,    GGML_TYPE_Q1_0,  GGML_TYPE_Q2_0,
    GGML_TYPE_Q4_0,   GGML_TYPE_Q4_1,   GGML_TYPE_Q5_0,    GGML_TYPE_Q5_1,  GGML_TYPE_Q8_0,
    GGML_TYPE_MXFP4,  GGML_TYPE_NVFP4,  GGML_TYPE_Q2_K,    GGML_TYPE_Q3_K,  GGML_TYPE_Q4_K,
    GGML_TYPE_Q5_K,   GGML_TYPE_Q6_K,   GGML_TYPE_TQ1_0,   GGML_TYPE_TQ2_0, GGML_TYPE_IQ2_XXS,
    GGML_TYPE_IQ2_XS, GGML_TYPE_IQ2_S,  GGML_TYPE_IQ3_XXS, GGML_TYPE_IQ3_S, GGML_TYPE_IQ1_S,
    GGML_TYPE_IQ1_M,  GGML_TYPE_IQ4_NL, GGML_TYPE_IQ4_XS};

const QType& encodable_type(int id) {
    const QType* type = type_by_id(id);
    if (type == nullptr) {
        throw Error(ErrorKind::kInput, fmt::format("ggml has no tensor type {}", id));
    }
    if (!type->encodable) {
        throw Error(ErrorKind::kInput,
                    fmt::format("tensors cannot be encoded as type {}", type->name),
                    "choose a type that stores weights, such as q8_0");
    }
    return *type;
}

void check_importance(const QType& type, size_t row_weights, size_t values) {
    if (values == 0 && type.needs_importance) {
        throw Error(ErrorKind::kInput,
                    fmt::format("type {} cannot be encoded without importance", type.name),
                    "give an importance matrix, or choose a type of more bits");
    }
    if (values != 0 && values != row_weights) {
        throw Error(ErrorKind::kInput, fmt::format("{} values of importance for rows of {} weights",
                                                   values, row_weights));
    }
}

void check_sizes(const QType& type, size_t weights, size_t row_weights, size_t bytes) {
    if (row_weights == 0 || row_weights % type.block_weights != 0) {
        throw Error(ErrorKind::kInput,
                    fmt::format("rows of {} weights are not whole blocks of {}, which have {}",
                                row_weights, type.name, type.block_weights));
    }
    if (weights % row_weights != 0) {
        throw Error(ErrorKind::kInput, fmt::format("{} weights are not whole rows of {} weights",
                                                   weights, row_weights));
    }
    if (bytes != type.row_bytes(weights)) {
        throw Error(ErrorKind::kInput,
                    fmt::format("{} weights of {} take {} bytes, not {}", weights, type.name,
                                type.row_bytes(weights), bytes));
    }
}

}  // namespace

RowEncoder own_encoder(int type_id) {
    for (const OwnEncoder& own : kOwnEncoders) {
        if (own.type == type_id) return own.encode;
    }
    return nullptr;
}

bool is_encodable(int type_id) {
    return std::find(kEncodable.begin(), kEncodable.end(), type_id) != kEncodable.end();
}

void encode_by_ggml(int type_id, const float* in, size_t rows, size_t row_weights,
                    const float* importance, std::byte* out) {
    ggml_quantize_chunk(static_cast<ggml_type>(type_id), in, out, 0, static_cast<int64_t>(rows),
                        static_cast<int64_t>(row_weights), importance);
}

void encode_rows(int type_id, std::span<const float> in, size_t row_weights,
                 std::span<const float> importance, std::span<std::byte> out) {
    const QType& type = encodable_type(type_id);
    check_sizes(type, in.size(), row_weights, out.size());
    check_importance(type, row_weights, importance.size());
    const float* values = importance.empty() ? nullptr : importance.data();
    const size_t rows = in.size() / row_weights;
    if (const RowEncoder encode = own_encoder(type_id)) {
        encode(in.data(), rows, row_weights, values, out.data());
    } else {
        encode_by_ggml(type_id, in.data(), rows, row_weights, values, out.data());
    }
}

}  // namespace bitgauge
