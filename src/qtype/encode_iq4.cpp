// IQ4_NL and IQ4_XS: sixteen levels of a table, a scale per 32 weights; IQ4_XS has super-blocks
// with a scale of the scales. Reproduces quantize_row_iq4_nl_impl of ggml-quants.c.

#include <cmath>
#include <cstring>

#include "qtype/blocks.h"
#include "qtype/encoders.h"
#include "qtype/lane_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_iq4.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/groups-inl.h"
#include "qtype/search_levels-inl.h"
// clang-format on

#include <ggml.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

constexpr size_t kSub = kPlainBlock;
constexpr size_t kSubs = kSuperBlock / kSub;

// Tiles of weights and of how much each counts; lanes whose squares are finite.
template <size_t kWeights>
HWY_INLINE Mask fill(const float* const* x, const float* const* importance, float* x_tile,
                     float* weights) {
    make_tile(x, kWeights, x_tile);
    const Vec squares = sum_of_squares(x_tile, kWeights);
    if (importance[0] == nullptr) {
        for (size_t i = 0; i < kWeights * kLanes; i += kLanes) {
            const Vec v = load(x_tile + i);
            store(hn::Mul(v, v), weights + i);
        }
    } else {
        make_tile(importance, kWeights, weights);
        weigh_importance(x_tile, kWeights, hn::Mul(squares, set(2.0F / kWeights)), weights);
    }
    return is_finite(squares);
}

HWY_INLINE void write_levels(const float* x, float inverse, uint8_t* qs) {
    uint8_t levels[kSub];
    for (size_t i = 0; i < kSub; i += kLanes) {
        const Vec v = hn::Mul(set(inverse), hn::LoadU(Floats(), x + i));
        hn::StoreU(hn::DemoteTo(Bytes(), level_index(v)), Bytes(), levels + i);
    }
    pack_nibbles(levels, qs);
}

// Whether 1 / scale can be taken, or need not.
HWY_INLINE bool has_inverse(float scale) {
    return scale == 0 || std::isfinite(1 / scale);
}

HWY_INLINE float inverse_of(float scale) {
    return scale != 0 ? 1 / scale : 0;
}

HWY_INLINE bool write_nl(const float* x, float scale, std::byte* out) {
    if (!has_inverse(scale)) return false;
    BlockIq4Nl block;
    block.d = ggml_fp32_to_fp16(scale);
    write_levels(x, inverse_of(scale), block.qs);
    std::memcpy(out, &block, sizeof(block));
    return true;
}

constexpr size_t kPair = 2;
using NlGroup = GroupOf<kPair * kLanes>;

HWY_NOINLINE void encode_nl(const NlGroup& group) {
    HWY_ALIGN float x[kSub * kPair * kLanes];
    HWY_ALIGN float weights[kSub * kPair * kLanes];
    HWY_ALIGN float scales[kPair * kLanes];
    Mask exact[kPair];
    for (size_t p = 0; p < kPair; ++p) {
        const size_t at = p * kSub * kLanes;
        exact[p] =
            fill<kSub>(group.x + p * kLanes, group.importance + p * kLanes, x + at, weights + at);
    }
    LevelsFit fits[kPair];
    search_levels<kSub, kPair>(x, weights, fits);
    uint64_t exact_blocks = 0;
    for (size_t p = 0; p < kPair; ++p) {
        store(fits[p].scale, scales + p * kLanes);
        exact_blocks |= bits_of(hn::And(exact[p], fits[p].exact)) << p * kLanes;
    }
    for (size_t i = 0; i < group.used; ++i) {
        if ((exact_blocks >> i & 1) != 0 && write_nl(group.x[i], scales[i], group.out[i])) continue;
        encode_by_ggml(GGML_TYPE_IQ4_NL, group.x[i], 1, kSub, group.importance[i], group.out[i]);
    }
}

// The scale of largest magnitude, the first of equals.
HWY_INLINE float largest_scale(const float* scales) {
    float largest = 0;
    for (size_t sub = 0; sub < kSubs; ++sub) {
        if (std::fabs(scales[sub * kLanes]) > std::fabs(largest)) largest = scales[sub * kLanes];
    }
    return largest;
}

// False when some scale has no inverse.
HWY_INLINE bool write_xs(const float* x, const float* scales, std::byte* out) {
    BlockIq4Xs block = {};
    const float scale = -largest_scale(scales) / 32;
    if (!has_inverse(scale)) return false;
    block.d = ggml_fp32_to_fp16(scale);
    const float inverse = inverse_of(scale);
    for (size_t sub = 0; sub < kSubs; ++sub) {
        const int level = std::max(-32, std::min(31, nearest_int(inverse * scales[sub * kLanes])));
        const float sub_scale = scale * static_cast<float>(level);
        if (!has_inverse(sub_scale)) return false;
        write_levels(x + sub * kSub, inverse_of(sub_scale), block.qs + 16 * sub);
        const int stored = level + 32;
        block.scales_l[sub / 2] =
            static_cast<uint8_t>(block.scales_l[sub / 2] | (stored & 15) << 4 * (sub % 2));
        block.scales_h = static_cast<uint16_t>(block.scales_h | stored >> 4 << 2 * sub);
    }
    std::memcpy(out, &block, sizeof(block));
    return true;
}

HWY_NOINLINE void encode_xs(const Group& group) {
    HWY_ALIGN float x[kSuperBlock * kLanes];
    HWY_ALIGN float weights[kSuperBlock * kLanes];
    HWY_ALIGN float scales[kSubs * kLanes];
    Mask exact = fill<kSuperBlock>(group.x, group.importance, x, weights);
    for (size_t sub = 0; sub < kSubs; sub += kPair) {
        LevelsFit fits[kPair];
        const size_t at = sub * kSub * kLanes;
        search_levels<kSub, kPair>(x + at, weights + at, fits);
        for (size_t p = 0; p < kPair; ++p) {
            store(fits[p].scale, scales + (sub + p) * kLanes);
            exact = hn::And(exact, fits[p].exact);
        }
    }
    const uint64_t exact_blocks = bits_of(exact);
    for (size_t i = 0; i < group.used; ++i) {
        if ((exact_blocks >> i & 1) != 0 && write_xs(group.x[i], scales + i, group.out[i]))
            continue;
        encode_by_ggml(GGML_TYPE_IQ4_XS, group.x[i], 1, kSuperBlock, group.importance[i],
                       group.out[i]);
    }
}

void iq4_nl_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                 std::byte* out) {
    const BlockShape shape = {.weights = kSub, .bytes = sizeof(BlockIq4Nl)};
    for_each_group<kPair * kLanes>(shape, in, rows, row_weights, importance, out, encode_nl);
}

void iq4_xs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                 std::byte* out) {
    const BlockShape shape = {.weights = kSuperBlock, .bytes = sizeof(BlockIq4Xs)};
    for_each_group(shape, in, rows, row_weights, importance, out, encode_xs);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(iq4_nl_rows);
HWY_EXPORT(iq4_xs_rows);

void encode_iq4_nl_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                        std::byte* out) {
    HWY_DYNAMIC_DISPATCH(iq4_nl_rows)(in, rows, row_weights, importance, out);
}

void encode_iq4_xs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                        std::byte* out) {
    HWY_DYNAMIC_DISPATCH(iq4_xs_rows)(in, rows, row_weights, importance, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
