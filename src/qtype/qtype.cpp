#include "bitgauge/qtype.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "qtype/encoders.h"

#include <ggml.h>

namespace bitgauge {
namespace {

bool decodes(ggml_type type) {
    return type == GGML_TYPE_F32 || ggml_get_type_traits(type)->to_float != nullptr;
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
                         .needs_importance = ggml_quantize_requires_imatrix(type),
                         .has_own_encoder = own_encoder(id) != nullptr});
    }
    return table;
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

const QType* find_type(std::string_view name) {
    for (const QType& type : all_types()) {
        if (std::equal(name.begin(), name.end(), type.name.begin(), type.name.end(),
                       equal_letters)) {
            return &type;
        }
    }
    return nullptr;
}

const QType* type_by_id(int id) {
    for (const QType& type : all_types()) {
        if (type.id == id) return &type;
    }
    return nullptr;
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
