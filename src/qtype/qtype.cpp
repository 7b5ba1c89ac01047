#include "bitgauge/qtype.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/ik_types.h"
#include "qtype/encoders.h"

#include <ggml.h>

namespace bitgauge {
namespace {

bool decodes(ggml_type type) {
    return type == GGML_TYPE_F32 || ggml_get_type_traits(type)->to_float != nullptr;
}

// tensor_requires_imatrix() of llama.cpp's src/llama-quant.cpp.
bool needs_importance(ggml_type type) {
    switch (type) {
        case GGML_TYPE_IQ3_XXS:
        case GGML_TYPE_IQ2_XXS:
        case GGML_TYPE_IQ2_XS:
        case GGML_TYPE_IQ2_S:
        case GGML_TYPE_IQ1_M:
        case GGML_TYPE_IQ1_S:
            return true;
        default:
            return false;
    }
}

// tensor_type_fallback() of llama.cpp's src/llama-quant.cpp.
int fallback_of(ggml_type type) {
    switch (type) {
        case GGML_TYPE_IQ1_S:
        case GGML_TYPE_IQ1_M:
        case GGML_TYPE_IQ2_XXS:
        case GGML_TYPE_IQ2_XS:
        case GGML_TYPE_IQ2_S:
        case GGML_TYPE_IQ3_XXS:
        case GGML_TYPE_IQ3_S:
        case GGML_TYPE_IQ4_XS:
            return GGML_TYPE_IQ4_NL;
        case GGML_TYPE_Q2_0:
        case GGML_TYPE_Q2_K:
        case GGML_TYPE_Q3_K:
        case GGML_TYPE_TQ1_0:
        case GGML_TYPE_TQ2_0:
            return GGML_TYPE_Q4_0;
        case GGML_TYPE_Q4_K:
            return GGML_TYPE_Q5_0;
        case GGML_TYPE_Q5_K:
            return GGML_TYPE_Q5_1;
        case GGML_TYPE_Q6_K:
            return GGML_TYPE_Q8_0;
        default:
            return ggml_blck_size(type) <= 32 ? GGML_TYPE_F16 : -1;
    }
}

std::vector<QType> make_table() {
    std::vector<QType> table;
    for (int id = 0; id < GGML_TYPE_COUNT; ++id) {
        const auto type = static_cast<ggml_type>(id);
        if (ggml_blck_size(type) == 0) continue;  // retired
        table.push_back({.id = id,
                         .name = ggml_type_name(type),
                         .block_weights = static_cast<uint32_t>(ggml_blck_size(type)),
                         .block_bytes = static_cast<uint32_t>(ggml_type_size(type)),
                         .quantized = ggml_is_quantized(type),
                         .decodable = decodes(type),
                         .encodable = is_encodable(id),
                         .has_own_encoder = own_encoder(id) != nullptr,
                         .encoder_needs_importance = ggml_quantize_requires_imatrix(type),
                         .needs_importance = needs_importance(type),
                         .fallback_id = fallback_of(type)});
    }
    return table;
}

std::vector<QType> make_ik_table() {
    std::vector<QType> table;
    for (const IkType& type : ik_types()) {
        table.push_back({.id = type.id,
                         .name = type.name,
                         .block_weights = type.block_weights,
                         .block_bytes = type.block_bytes,
                         .quantized = type.block_weights > 1,
                         .ik_only = true,
                         .row_extra_bytes = type.row_extra_bytes});
    }
    return table;
}

// The first of both tables for which `wanted` holds, or nullptr.
template <class Wanted>
const QType* find_in_tables(Wanted wanted) {
    for (const std::span<const QType> table : {all_types(), ik_only_types()}) {
        const auto at = std::find_if(table.begin(), table.end(), wanted);
        if (at != table.end()) return &*at;
    }
    return nullptr;
}

bool equal_letters(char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
}

const QType& decodable_type(int id) {
    const QType* type = type_by_id(id);
    if (type == nullptr) {
        throw Error(ErrorKind::kInput, fmt::format("ggml has no tensor type {}", id));
    }
    if (!type->decodable) {
        throw Error(ErrorKind::kInput,
                    fmt::format("tensors of type {} cannot be decoded to floats", type->name));
    }
    return *type;
}

}  // namespace

std::span<const QType> all_types() {
    static const std::vector<QType> table = make_table();
    return table;
}

std::span<const QType> ik_only_types() {
    static const std::vector<QType> table = make_ik_table();
    return table;
}

const QType* find_type(std::string_view name) {
    return find_in_tables([name](const QType& type) {
        return std::equal(name.begin(), name.end(), type.name.begin(), type.name.end(),
                          equal_letters);
    });
}

const QType* type_by_id(int id) {
    return find_in_tables([id](const QType& type) { return type.id == id; });
}

void decode_row(int type_id, std::span<const std::byte> in, std::span<float> out) {
    const QType& type = decodable_type(type_id);
    if (out.size() % type.block_weights != 0 || in.size() != type.row_bytes(out.size())) {
        throw Error(ErrorKind::kInput, fmt::format("{} bytes of {} do not hold {} weights",
                                                   in.size(), type.name, out.size()));
    }
    if (type.id == GGML_TYPE_F32) {
        std::memcpy(out.data(), in.data(), in.size());
        return;
    }
    const ggml_type_traits* traits = ggml_get_type_traits(static_cast<ggml_type>(type_id));
    traits->to_float(in.data(), out.data(), static_cast<int64_t>(out.size()));
}

std::string ggml_version_text() {
    return fmt::format("{} ({})", ggml_version(), ggml_commit());
}

}  // namespace bitgauge
