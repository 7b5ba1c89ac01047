// Q3_K and Q6_K: signed levels with a scale per sub-block of 16, quantized in turn. Reproduces
// quantize_row_q3_K_impl and _ref, quantize_row_q6_K_impl and _ref of ggml-quants.c.

#include <cmath>
#include <cstring>

#include "qtype/blocks.h"
#include "qtype/encoders.h"
#include "qtype/lane_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_k_symmetric.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/groups-inl.h"
#include "qtype/search_refined-inl.h"
#include "qtype/search_symmetric-inl.h"
// clang-format on

#include <ggml.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

constexpr size_t kSub = 16;
constexpr size_t kSubs = kSuperBlock / kSub;

// Sub-blocks of one super-block of each lane, as the searches leave them.
struct SubBlocks {
    HWY_ALIGN float x[kSuperBlock * kLanes];
    HWY_ALIGN float weights[kSuperBlock * kLanes];
    HWY_ALIGN float levels[kSuperBlock * kLanes];
    HWY_ALIGN float scales[kSubs * kLanes];
    HWY_ALIGN float sub_weights[kSubs * kLanes];
    HWY_ALIGN float inverses[kSubs * kLanes];
    HWY_ALIGN float block_scale[kLanes];
    HWY_ALIGN float block_inverse[kLanes];
    uint64_t exact_lanes;
};

// What is written of one super-block beside its levels.
struct Scales {
    Half d;
    int sub[kSubs];
    bool blank;  // all bytes of the block are zero
};

HWY_INLINE Mask keep(const SymmetricFit& fit, size_t sub, SubBlocks& to) {
    store(fit.scale, to.scales + sub * kLanes);
    store(fit.inverse, to.inverses + sub * kLanes);
    return fit.exact;
}

// Every sub-block by make_qx_quants; lanes that are exact.
HWY_INLINE Mask search_sub_blocks(int half, SubBlocks& blocks) {
    constexpr size_t kPair = 2;
    Mask exact = all_lanes();
    for (size_t sub = 0; sub < kSubs; sub += kPair) {
        const size_t at = sub * kSub * kLanes;
        SymmetricFit fits[kPair];
        search_symmetric<kSub, kPair>(half, blocks.x + at, blocks.weights + at, blocks.levels,
                                      fits);
        for (size_t p = 0; p < kPair; ++p) {
            exact = hn::And(exact, keep(fits[p], sub + p, blocks));
        }
    }
    return exact;
}

// Every sub-block by make_q3_quants, which leaves its levels.
HWY_INLINE Mask refine_sub_blocks(int half, SubBlocks& blocks) {
    constexpr size_t kPair = 4;
    Mask exact = all_lanes();
    for (size_t sub = 0; sub < kSubs; sub += kPair) {
        const size_t at = sub * kSub * kLanes;
        SymmetricFit fits[kPair];
        RefinedSearch<kSub, kPair> search(half, blocks.x + at, blocks.levels + at);
        search.run(fits);
        for (size_t p = 0; p < kPair; ++p) {
            exact = hn::And(exact, keep(fits[p], sub + p, blocks));
        }
    }
    return exact;
}

// The sub-block's scale of largest magnitude, the first of equals; zero when all are zero.
HWY_INLINE float largest_scale(const float* scales) {
    float largest = 0;
    for (size_t sub = 0; sub < kSubs; ++sub) {
        if (std::fabs(scales[sub * kLanes]) > std::fabs(largest)) largest = scales[sub * kLanes];
    }
    return largest;
}

template <bool kImportance>
struct FormatQ3K {
    using Block = BlockQ3K;
    static constexpr ggml_type kType = GGML_TYPE_Q3_K;
    static constexpr int kHalf = 4;
    static constexpr bool kKeepsLevels = !kImportance;

    static HWY_INLINE void search(const Group& group, SubBlocks& blocks) {
        if (!kImportance) {
            blocks.exact_lanes = bits_of(refine_sub_blocks(kHalf, blocks));
            return;
        }
        const Vec squares = hn::Mul(set(2.0F), sum_of_squares(blocks.x, kSuperBlock));
        make_tile(group.importance, kSuperBlock, blocks.weights);
        weigh_importance(blocks.x, kSuperBlock, hn::Mul(squares, set(1.0F / kSuperBlock)),
                         blocks.weights);
        for (size_t sub = 0; sub < kSubs; ++sub) {
            store(sum(blocks.weights + sub * kSub * kLanes, kSub),
                  blocks.sub_weights + sub * kLanes);
        }
        Mask exact = hn::And(search_sub_blocks(kHalf, blocks), is_finite(squares));
        SymmetricFit fit;
        search_symmetric<kSubs, 1>(32, blocks.scales, blocks.sub_weights, blocks.levels, &fit);
        exact = hn::And(exact, fit.exact);
        store(fit.scale, blocks.block_scale);
        store(fit.inverse, blocks.block_inverse);
        blocks.exact_lanes = bits_of(exact);
    }

    static HWY_INLINE Scales scales_of(const SubBlocks& blocks, size_t lane) {
        Scales scales = {};
        const float* values = blocks.scales + lane;
        const float largest = kImportance ? 0 : largest_scale(values);
        const float inverse = kImportance    ? blocks.block_inverse[lane]
                              : largest != 0 ? -32.0F / largest
                                             : 0;
        const float scale = kImportance ? blocks.block_scale[lane] : 1 / inverse;
        scales.d = ggml_fp32_to_fp16(inverse != 0 ? scale : 0.0F);
        for (size_t sub = 0; sub < kSubs; ++sub) {
            int level = nearest_int(inverse * values[sub * kLanes]);
            if (!kImportance) level = ((level & 255) ^ 128) - 128;  // an int8_t of it
            level = std::max(-32, std::min(31, level));
            scales.sub[sub] = inverse != 0 ? level : -32;
        }
        return scales;
    }

    static HWY_INLINE void pack(const Scales& scales, const uint8_t* levels, BlockQ3K& block) {
        block.d = scales.d;
        std::memset(block.scales, 0, sizeof(block.scales));
        for (size_t sub = 0; sub < kSubs; ++sub) {
            const int level = scales.sub[sub] + 32;
            uint8_t& low = block.scales[sub % 8];
            low = static_cast<uint8_t>(low | (level & 15) << (sub < 8 ? 0 : 4));
            uint8_t& high = block.scales[8 + sub % 4];
            high = static_cast<uint8_t>(high | level >> 4 << 2 * (sub / 4));
        }
        for (size_t i = 0; i < 32; ++i) {
            int third_bits = 0;
            for (size_t j = 0; j < 8; ++j) third_bits |= (levels[i + 32 * j] >> 2) << j;
            block.hmask[i] = static_cast<uint8_t>(third_bits);
        }
        for (size_t half = 0; half < 2; ++half) {
            const uint8_t* from = levels + 128 * half;
            for (size_t i = 0; i < 32; ++i) {
                block.qs[32 * half + i] =
                    static_cast<uint8_t>((from[i] & 3) | (from[i + 32] & 3) << 2 |
                                         (from[i + 64] & 3) << 4 | (from[i + 96] & 3) << 6);
            }
        }
    }
};

template <bool kImportance>
struct FormatQ6K {
    using Block = BlockQ6K;
    static constexpr ggml_type kType = GGML_TYPE_Q6_K;
    static constexpr int kHalf = 32;
    static constexpr bool kKeepsLevels = false;

    static HWY_INLINE void search(const Group& group, SubBlocks& blocks) {
        if (kImportance) {
            make_tile(group.importance, kSuperBlock, blocks.weights);
        } else {
            for (size_t i = 0; i < kSuperBlock * kLanes; i += kLanes) {
                const Vec x = load(blocks.x + i);
                store(hn::Mul(x, x), blocks.weights + i);
            }
        }
        blocks.exact_lanes = bits_of(search_sub_blocks(kHalf, blocks));
    }

    static HWY_INLINE Scales scales_of(const SubBlocks& blocks, size_t lane) {
        Scales scales = {};
        const float* values = blocks.scales + lane;
        const float largest = largest_scale(values);
        scales.blank = std::fabs(largest) < kSmallestMaximum;
        if (scales.blank) return scales;
        const float inverse = -128.0F / largest;
        scales.d = ggml_fp32_to_fp16(1 / inverse);
        for (size_t sub = 0; sub < kSubs; ++sub) {
            scales.sub[sub] = std::min(127, nearest_int(inverse * values[sub * kLanes]));
        }
        return scales;
    }

    static HWY_INLINE void pack(const Scales& scales, const uint8_t* levels, BlockQ6K& block) {
        block.d = scales.d;
        for (size_t sub = 0; sub < kSubs; ++sub) {
            block.scales[sub] = static_cast<int8_t>(scales.sub[sub]);
        }
        for (size_t half = 0; half < 2; ++half) {
            const uint8_t* from = levels + 128 * half;
            uint8_t* low = block.ql + 64 * half;
            for (size_t i = 0; i < 32; ++i) {
                low[i] = static_cast<uint8_t>((from[i] & 15) | (from[i + 64] & 15) << 4);
                low[i + 32] = static_cast<uint8_t>((from[i + 32] & 15) | (from[i + 96] & 15) << 4);
                block.qh[32 * half + i] =
                    static_cast<uint8_t>(from[i] >> 4 | from[i + 32] >> 4 << 2 |
                                         from[i + 64] >> 4 << 4 | from[i + 96] >> 4 << 6);
            }
        }
    }
};

// Levels that a search kept, of one sub-block of one lane.
HWY_INLINE void kept_levels(const SubBlocks& blocks, size_t lane, size_t sub, int half,
                            uint8_t* levels) {
    const bool zero = blocks.inverses[sub * kLanes + lane] == 0;
    for (size_t i = 0; i < kSub; ++i) {
        const auto level = static_cast<int>(blocks.levels[(sub * kSub + i) * kLanes + lane]);
        levels[i] = static_cast<uint8_t>(zero ? 0 : level + half);
    }
}

template <class Format>
void write_super_block(const SubBlocks& blocks, const float* x, size_t lane, std::byte* out) {
    typename Format::Block block;
    const Scales scales = Format::scales_of(blocks, lane);
    if (scales.blank) {
        std::memset(out, 0, sizeof(block));
        return;
    }
    const float d = ggml_fp16_to_fp32(scales.d);
    uint8_t levels[kSuperBlock];
    for (size_t sub = 0; sub < kSubs; ++sub) {
        const float scale = d * static_cast<float>(scales.sub[sub]);
        uint8_t* to = levels + sub * kSub;
        if (scale != 0) {
            signed_levels_of(x + sub * kSub, kSub, scale, Format::kHalf, to);
        } else if (Format::kKeepsLevels) {
            kept_levels(blocks, lane, sub, Format::kHalf, to);
        } else {
            const float inverse = blocks.inverses[sub * kLanes + lane];
            searched_signed_levels(x + sub * kSub, kSub, inverse, Format::kHalf, to);
        }
    }
    Format::pack(scales, levels, block);
    std::memcpy(out, &block, sizeof(block));
}

template <class Format>
HWY_NOINLINE void encode_group(const Group& group) {
    SubBlocks blocks;
    make_tile(group.x, kSuperBlock, blocks.x);
    Format::search(group, blocks);
    for (size_t lane = 0; lane < group.used; ++lane) {
        if ((blocks.exact_lanes >> lane & 1) != 0) {
            write_super_block<Format>(blocks, group.x[lane], lane, group.out[lane]);
        } else {
            encode_by_ggml(Format::kType, group.x[lane], 1, kSuperBlock, group.importance[lane],
                           group.out[lane]);
        }
    }
}

template <template <bool> class Format>
HWY_INLINE void encode_symmetric_rows(const float* in, size_t rows, size_t row_weights,
                                      const float* importance, std::byte* out) {
    const BlockShape shape = {.weights = kSuperBlock,
                              .bytes = sizeof(typename Format<true>::Block)};
    if (importance != nullptr) {
        for_each_group(shape, in, rows, row_weights, importance, out, encode_group<Format<true>>);
    } else {
        for_each_group(shape, in, rows, row_weights, importance, out, encode_group<Format<false>>);
    }
}

void q3_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_symmetric_rows<FormatQ3K>(in, rows, row_weights, importance, out);
}

void q6_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_symmetric_rows<FormatQ6K>(in, rows, row_weights, importance, out);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(q3_k_rows);
HWY_EXPORT(q6_k_rows);

void encode_q3_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q3_k_rows)(in, rows, row_weights, importance, out);
}

void encode_q6_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q6_k_rows)(in, rows, row_weights, importance, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
