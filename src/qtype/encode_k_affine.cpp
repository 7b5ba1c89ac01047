// Q2_K, Q4_K and Q5_K: levels from zero up, a scale and a minimum per sub-block, both quantized in
// turn. Reproduces quantize_row_q{2,4,5}_K_impl (with importance) and _ref (without) of
// ggml-quants.c.

#include <cstring>

#include "qtype/blocks.h"
#include "qtype/encoders.h"
#include "qtype/lane_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_k_affine.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/groups-inl.h"
#include "qtype/search_affine-inl.h"
#include "qtype/search_scales-inl.h"
// clang-format on

#include <ggml.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// What the search leaves of one super-block for writing it.
template <size_t kSubs>
struct Chosen {
    float scale;
    float minimum;
    uint8_t scales[kSubs];
    uint8_t minimums[kSubs];
    float inverse[kSubs];
    float offset[kSubs];
};

// sigma2 is kSigma * sum of squares / 256, multiplied first.
struct FormatQ2K {
    using Block = BlockQ2K;
    static constexpr ggml_type kType = GGML_TYPE_Q2_K;
    static constexpr size_t kSub = 16;
    static constexpr int kScaleLevels = 15;
    static constexpr float kSigma = 1;
    static constexpr AffineTrials kTrials = {3, -0.9F, 0.05F, 36};
    static constexpr AffineTrials kPlainTrials = {3, -0.5F, 0.1F, 15};
    static constexpr Deviation kPlainDeviation = Deviation::kAbsolute;

    static HWY_INLINE void plain_weights(const float* x, float* weights) {
        for (size_t i = 0; i < kSub * kLanes; i += kLanes) {
            store(hn::Abs(load(x + i)), weights + i);
        }
    }

    static HWY_INLINE void pack(const Chosen<16>& chosen, const uint8_t* levels, BlockQ2K& block) {
        for (size_t j = 0; j < 16; ++j) {
            block.scales[j] = static_cast<uint8_t>(chosen.scales[j] | chosen.minimums[j] << 4);
        }
        for (size_t half = 0; half < 2; ++half) {
            const uint8_t* from = levels + 128 * half;
            for (size_t i = 0; i < 32; ++i) {
                block.qs[32 * half + i] = static_cast<uint8_t>(
                    from[i] | from[i + 32] << 2 | from[i + 64] << 4 | from[i + 96] << 6);
            }
        }
    }
};

// av_x + |x|, av_x the root mean square of the sub-block.
HWY_INLINE void add_root_mean_square(const float* x, size_t count, float* weights) {
    const float inverse_count = 1.0F / static_cast<float>(count);  // a power of two: exact
    const Vec root = hn::Sqrt(hn::Mul(sum_of_squares(x, count), set(inverse_count)));
    for (size_t i = 0; i < count * kLanes; i += kLanes) {
        store(hn::Add(root, hn::Abs(load(x + i))), weights + i);
    }
}

// Eight scales and eight minimums of six bits in twelve bytes.
HWY_INLINE void pack_scales(const Chosen<8>& chosen, uint8_t* bytes) {
    for (size_t j = 0; j < 4; ++j) {
        const int high_scale = chosen.scales[j + 4];
        const int high_minimum = chosen.minimums[j + 4];
        bytes[j] = static_cast<uint8_t>(chosen.scales[j] | high_scale >> 4 << 6);
        bytes[j + 4] = static_cast<uint8_t>(chosen.minimums[j] | high_minimum >> 4 << 6);
        bytes[j + 8] = static_cast<uint8_t>((high_scale & 15) | (high_minimum & 15) << 4);
    }
}

struct FormatQ4K {
    using Block = BlockQ4K;
    static constexpr ggml_type kType = GGML_TYPE_Q4_K;
    static constexpr size_t kSub = 32;
    static constexpr int kScaleLevels = 63;
    static constexpr float kSigma = 2;
    static constexpr AffineTrials kTrials = {15, -0.9F, 0.05F, 36};
    static constexpr AffineTrials kPlainTrials = {15, -1.0F, 0.1F, 20};
    static constexpr Deviation kPlainDeviation = Deviation::kSquare;

    static HWY_INLINE void plain_weights(const float* x, float* weights) {
        add_root_mean_square(x, kSub, weights);
    }

    static HWY_INLINE void pack(const Chosen<8>& chosen, const uint8_t* levels, BlockQ4K& block) {
        pack_scales(chosen, block.scales);
        for (size_t j = 0; j < 4; ++j) {
            const uint8_t* from = levels + 64 * j;
            for (size_t i = 0; i < 32; ++i) {
                block.qs[32 * j + i] = static_cast<uint8_t>(from[i] | from[i + 32] << 4);
            }
        }
    }
};

struct FormatQ5K {
    using Block = BlockQ5K;
    static constexpr ggml_type kType = GGML_TYPE_Q5_K;
    static constexpr size_t kSub = 32;
    static constexpr int kScaleLevels = 63;
    static constexpr float kSigma = 2;
    static constexpr AffineTrials kTrials = {31, -0.9F, 0.05F, 36};
    static constexpr AffineTrials kPlainTrials = {31, -0.5F, 0.1F, 15};
    static constexpr Deviation kPlainDeviation = Deviation::kSquare;

    static HWY_INLINE void plain_weights(const float* x, float* weights) {
        add_root_mean_square(x, kSub, weights);
    }

    static HWY_INLINE void pack(const Chosen<8>& chosen, const uint8_t* levels, BlockQ5K& block) {
        pack_scales(chosen, block.scales);
        std::memset(block.qh, 0, sizeof(block.qh));
        for (size_t j = 0; j < 4; ++j) {
            const uint8_t* from = levels + 64 * j;
            for (size_t i = 0; i < 32; ++i) {
                const int fifth_bits = from[i] >> 4 | from[i + 32] >> 4 << 1;
                block.qs[32 * j + i] =
                    static_cast<uint8_t>((from[i] & 15) | (from[i + 32] & 15) << 4);
                block.qh[i] = static_cast<uint8_t>(block.qh[i] | fifth_bits << 2 * j);
            }
        }
    }
};

template <class Format, bool kImportance>
class AffineGroup {
  public:
    static HWY_NOINLINE void encode(const Group& group) {
        AffineGroup work;
        work.fit(group);
        work.fit_scales();
        for (size_t lane = 0; lane < group.used; ++lane) work.write(group, lane);
    }

  private:
    static constexpr size_t kSub = Format::kSub;
    static constexpr size_t kSubs = kSuperBlock / kSub;
    static constexpr size_t kPair = 2;
    static constexpr AffineTrials kTrials = kImportance ? Format::kTrials : Format::kPlainTrials;
    static constexpr Deviation kDeviation =
        kImportance ? Deviation::kSquare : Format::kPlainDeviation;

    HWY_INLINE void fit(const Group& group) {
        make_tile(group.x, kSuperBlock, x_);
        const Vec squares = hn::Mul(set(Format::kSigma), sum_of_squares(x_, kSuperBlock));
        exact_ = is_finite(squares);
        weigh(group, hn::Mul(squares, set(1.0F / kSuperBlock)));
        for (size_t sub = 0; sub < kSubs; sub += kPair) {
            AffineFit fits[kPair];
            const size_t at = sub * kSub * kLanes;
            search_affine<kSub, kPair, kDeviation>(kTrials, x_ + at, weights_ + at, levels_, fits);
            for (size_t p = 0; p < kPair; ++p) keep(fits[p], sub + p);
        }
    }

    HWY_INLINE void weigh(const Group& group, Vec sigma2) {
        if (kImportance) {
            make_tile(group.importance, kSuperBlock, weights_);
            weigh_importance(x_, kSuperBlock, sigma2, weights_);
        } else {
            for (size_t sub = 0; sub < kSubs; ++sub) {
                Format::plain_weights(x_ + sub * kSub * kLanes, weights_ + sub * kSub * kLanes);
            }
        }
    }

    HWY_INLINE void keep(const AffineFit& fit, size_t sub) {
        const size_t at = sub * kLanes;
        store(fit.scale, scales_ + at);
        store(fit.minimum, minimums_ + at);
        store(fit.weight, sub_weights_ + at);
        store(fit.inverse, inverses_ + at);
        store(fit.offset, offsets_ + at);
        exact_ = hn::And(exact_, fit.exact);
    }

    HWY_INLINE void fit_scales() {
        ScalesSearch<kSubs> scales(Format::kScaleLevels, scales_, sub_weights_, scale_levels_);
        ScalesSearch<kSubs> minimums(Format::kScaleLevels, minimums_, sub_weights_,
                                     minimum_levels_);
        store(kImportance ? scales.run(exact_) : scales.run_plain(exact_), block_scales_);
        store(kImportance ? minimums.run(exact_) : minimums.run_plain(exact_), block_minimums_);
        exact_lanes_ = bits_of(exact_);
    }

    HWY_INLINE void write(const Group& group, size_t lane) const {
        if ((exact_lanes_ >> lane & 1) == 0) {
            encode_by_ggml(Format::kType, group.x[lane], 1, kSuperBlock,
                           kImportance ? group.importance[lane] : nullptr, group.out[lane]);
            return;
        }
        const Chosen<kSubs> chosen = chosen_by(lane);
        typename Format::Block block;
        block.d = ggml_fp32_to_fp16(chosen.scale);
        block.dmin = ggml_fp32_to_fp16(chosen.minimum);
        uint8_t levels[kSuperBlock];
        const float scale = ggml_fp16_to_fp32(block.d);
        const float minimum = ggml_fp16_to_fp32(block.dmin);
        for (size_t sub = 0; sub < kSubs; ++sub) {
            const float* x = group.x[lane] + sub * kSub;
            const float sub_scale = scale * static_cast<float>(chosen.scales[sub]);
            const float sub_minimum = minimum * static_cast<float>(chosen.minimums[sub]);
            if (sub_scale != 0) {
                levels_of(x, kSub, sub_scale, sub_minimum, kTrials.highest_level,
                          levels + sub * kSub);
            } else {
                searched_levels(x, kSub, chosen.inverse[sub], chosen.offset[sub],
                                kTrials.highest_level, levels + sub * kSub);
            }
        }
        Format::pack(chosen, levels, block);
        std::memcpy(group.out[lane], &block, sizeof(block));
    }

    HWY_INLINE Chosen<kSubs> chosen_by(size_t lane) const {
        Chosen<kSubs> chosen;
        chosen.scale = block_scales_[lane];
        chosen.minimum = block_minimums_[lane];
        for (size_t sub = 0; sub < kSubs; ++sub) {
            const size_t at = sub * kLanes + lane;
            chosen.scales[sub] = static_cast<uint8_t>(scale_levels_[at]);
            chosen.minimums[sub] = static_cast<uint8_t>(minimum_levels_[at]);
            chosen.inverse[sub] = inverses_[at];
            chosen.offset[sub] = offsets_[at];
        }
        return chosen;
    }

    HWY_ALIGN float x_[kSuperBlock * kLanes];
    HWY_ALIGN float weights_[kSuperBlock * kLanes];
    HWY_ALIGN float levels_[kPair * kSub * kLanes];
    HWY_ALIGN float scales_[kSubs * kLanes];
    HWY_ALIGN float minimums_[kSubs * kLanes];
    HWY_ALIGN float sub_weights_[kSubs * kLanes];
    HWY_ALIGN float inverses_[kSubs * kLanes];
    HWY_ALIGN float offsets_[kSubs * kLanes];
    HWY_ALIGN int32_t scale_levels_[kSubs * kLanes];
    HWY_ALIGN int32_t minimum_levels_[kSubs * kLanes];
    HWY_ALIGN float block_scales_[kLanes];
    HWY_ALIGN float block_minimums_[kLanes];
    Mask exact_;
    uint64_t exact_lanes_;
};

template <class Format>
HWY_INLINE void encode_affine_rows(const float* in, size_t rows, size_t row_weights,
                                   const float* importance, std::byte* out) {
    const BlockShape shape = {.weights = kSuperBlock, .bytes = sizeof(typename Format::Block)};
    if (importance != nullptr) {
        for_each_group(shape, in, rows, row_weights, importance, out,
                       AffineGroup<Format, true>::encode);
    } else {
        for_each_group(shape, in, rows, row_weights, importance, out,
                       AffineGroup<Format, false>::encode);
    }
}

void q2_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_affine_rows<FormatQ2K>(in, rows, row_weights, importance, out);
}

void q4_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_affine_rows<FormatQ4K>(in, rows, row_weights, importance, out);
}

void q5_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_affine_rows<FormatQ5K>(in, rows, row_weights, importance, out);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(q2_k_rows);
HWY_EXPORT(q4_k_rows);
HWY_EXPORT(q5_k_rows);

void encode_q2_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q2_k_rows)(in, rows, row_weights, importance, out);
}

void encode_q4_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q4_k_rows)(in, rows, row_weights, importance, out);
}

void encode_q5_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q5_k_rows)(in, rows, row_weights, importance, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
