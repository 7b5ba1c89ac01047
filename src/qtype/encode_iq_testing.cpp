#include "qtype/encode_iq_testing.h"

#include <array>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/encoders.h"
#include "qtype/encoders_iq.h"

// Targets first.
// clang-format off
#include "qtype/lane_targets.h"
#include <hwy/highway.h>
// clang-format on

#include <ggml.h>

namespace bitgauge {
namespace {

struct IqEncoder {
    int type;
    RowEncoder encode;
};

constexpr std::array kIqEncoders = {
    IqEncoder{GGML_TYPE_IQ1_S, encode_iq1_s_rows},
    IqEncoder{GGML_TYPE_IQ1_M, encode_iq1_m_rows},
    IqEncoder{GGML_TYPE_IQ2_XXS, encode_iq2_xxs_rows},
    IqEncoder{GGML_TYPE_IQ2_XS, encode_iq2_xs_rows},
    IqEncoder{GGML_TYPE_IQ2_S, encode_iq2_s_rows},
    IqEncoder{GGML_TYPE_IQ3_XXS, encode_iq3_xxs_rows},
    IqEncoder{GGML_TYPE_IQ3_S, encode_iq3_s_rows},
};

RowEncoder encoder_of(int type) {
    for (const IqEncoder& each : kIqEncoders) {
        if (each.type == type) return each.encode;
    }
    return nullptr;
}

}  // namespace

size_t IqCase::bytes() const {
    return type_by_id(type)->row_bytes(weights.size());
}

std::vector<int> iq_types() {
    std::vector<int> types;
    types.reserve(kIqEncoders.size());
    for (const IqEncoder& each : kIqEncoders) types.push_back(each.type);
    return types;
}

std::string iq_name(int type) {
    return type_by_id(type)->name;
}

std::vector<Importance> iq_importances(int type) {
    std::vector<Importance> all = {Importance::kPlain, Importance::kWithZeros, Importance::kWide};
    if (!ggml_quantize_requires_imatrix(static_cast<ggml_type>(type))) {
        all.push_back(Importance::kNone);
    }
    return all;
}

IqCase iq_case(int type, Pattern pattern, Importance importance, size_t rows, size_t row_weights) {
    const auto seed = static_cast<uint32_t>(100 * static_cast<size_t>(pattern) + row_weights);
    return {.type = type,
            .weights = pattern_weights(pattern, rows * row_weights, seed),
            .row_weights = row_weights,
            .importance = importance_values(importance, row_weights, seed + 1),
            .name = fmt::format("{}, {}, {}, {} rows of {}", iq_name(type), pattern_name(pattern),
                                importance_name(importance), rows, row_weights)};
}

std::vector<IqCase> ordinary_iq_cases(int type, size_t rows, size_t row_weights) {
    std::vector<IqCase> cases;
    for (size_t p = 0; p < static_cast<size_t>(Pattern::kCount); ++p) {
        const auto pattern = static_cast<Pattern>(p);
        if (pattern == Pattern::kHuge || pattern == Pattern::kBounds) continue;
        for (const Importance importance : iq_importances(type)) {
            cases.push_back(iq_case(type, pattern, importance, rows, row_weights));
        }
    }
    for (const Pattern pattern : {Pattern::kNormal, Pattern::kTies}) {
        IqCase c = iq_case(type, pattern, Importance::kPlain, rows, row_weights);
        c.importance.assign(row_weights, 0.0F);
        c.name += ", all importance zero";
        cases.push_back(c);
    }
    return cases;
}

std::optional<IqBytes> encoded(const IqCase& c) {
    IqBytes bytes(c.bytes(), std::byte{0xA5});
    try {
        encoder_of(c.type)(c.weights.data(), c.rows(), c.row_weights, c.importance_or_null(),
                           bytes.data());
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::kNotFinite) throw;
        return std::nullopt;
    }
    return bytes;
}

std::string first_iq_difference(const IqCase& c, const IqBytes& ours, const IqBytes& reference) {
    const size_t block = type_by_id(c.type)->block_bytes;
    for (size_t i = 0; i < ours.size(); ++i) {
        if (ours[i] == reference[i]) continue;
        return fmt::format("{}: block {} byte {}: {:02x}, by ggml {:02x}", c.name, i / block,
                           i % block, static_cast<unsigned>(ours[i]),
                           static_cast<unsigned>(reference[i]));
    }
    return {};
}

void OneTarget::choose(int64_t bit) {
    hwy::SetSupportedTargetsForTest(bit);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::vector<int64_t> iq_targets() {
    return hwy::SupportedAndGeneratedTargets();
}

}  // namespace bitgauge
