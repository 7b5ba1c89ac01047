// IQ2_XXS, IQ2_XS and IQ2_S: quantize_row_iq2_{xxs,xs,s}_impl of ggml-quants.c.

#include <cstring>

#include "qtype/encode_iq.h"
#include "qtype/encoders_iq.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_iq2.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include "qtype/lane_targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/encode_lattice-inl.h"
#include "qtype/positive_scale-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

// What the three types share.
struct Iq2 {
    using Terms = Terms8;
    static constexpr size_t kDims = 8;
    static constexpr size_t kLevelBits = 2;
    static constexpr int32_t kLevels = 3;
    static constexpr int32_t kLevelMask = 3;
    static constexpr float kTrialStep = 0.1F;
};

// Sub-blocks of 16, trials around the largest magnitude.
struct Iq2Of16 : Iq2 {
    static constexpr size_t kSub = 16;
    static constexpr int kTrialReach = 9;
    static constexpr int32_t kFirstOffGrid = 0;
    static constexpr Refit kRefit = Refit::kOffGrid;
    static constexpr bool kUnitMayVanish = false;

    template <class B>
    static HWY_INLINE TrialStart trial_start(const B&, size_t, Float max) {
        return {max, hn::Div(max, hn::Set(Lanes(), 5.0F))};
    }
};

template <class T>
HWY_INLINE float largest_scale(const Batch<T>& b, size_t first, size_t sub_blocks) {
    float largest = 0;
    for (size_t s = 0; s < sub_blocks; ++s) largest = std::max(largest, b.scale[first + s]);
    return largest;
}

template <class T>
HWY_INLINE uint32_t grid_index(const Lattice& lattice, const Batch<T>& b, size_t column,
                               size_t group) {
    return lattice.index_of(static_cast<uint32_t>(b.code[group * kColumns + column]));
}

HWY_INLINE void write_half(float value, uint8_t* at) {
    const uint16_t half = iq_half(value);
    std::memcpy(at, &half, sizeof(half));
}

struct Iq2Xxs : Iq2 {
    static constexpr LatticeKind kKind = LatticeKind::kIq2Xxs;
    static constexpr size_t kSub = 32;
    static constexpr size_t kBlockBytes = 66;
    static constexpr int kTrialReach = 6;
    static constexpr bool kEvenSigns = true;
    static constexpr bool kDoubleSigma = false;
    static constexpr bool kPlainSigma = false;
    static constexpr bool kUnitMayVanish = true;
    static constexpr int32_t kFirstOffGrid = 0;
    static constexpr Refit kRefit = Refit::kAlways;

    static HWY_INLINE LaneMask zero_sub_block(Float max) {
        return hn::Lt(max, hn::Set(Lanes(), 1e-15F));
    }

    // Trials start from a fit to levels 0..4, at the largest value of level 3.
    template <class B>
    static HWY_INLINE TrialStart trial_start(const B& b, size_t c, Float max) {
        const auto scale = positive_scale<kSub, kColumns>(b.x + c, b.w + c, b.wx + c, 4, max);
        return {hn::Mul(scale, hn::Set(Lanes(), 3.0F)), scale};
    }

    // d | eight pairs of words: 4 grid indices, 4 * 7 signs and a scale.
    static void pack(const Lattice& lattice, const Batch<Iq2Xxs>& b, size_t first, std::byte* out) {
        uint8_t block[kBlockBytes] = {};
        const float max_scale = largest_scale(b, first, 8);
        if (max_scale != 0) {
            const float d = max_scale / 31;
            write_half(d, block);
            for (size_t s = 0; s < 8; ++s)
                pack_sub_block(lattice, b, first + s, 1 / d, block + 2 + 8 * s);
        }
        std::memcpy(out, block, kBlockBytes);
    }

    static void pack_sub_block(const Lattice& lattice, const Batch<Iq2Xxs>& b, size_t c,
                               float inverse, uint8_t* words) {
        uint32_t word = static_cast<uint32_t>(iq_scale_code(b.scale[c], inverse, 15)) << 28;
        if (b.active[c] != 0) {
            for (size_t g = 0; g < 4; ++g) {
                words[g] = static_cast<uint8_t>(grid_index(lattice, b, c, g));
                word |= uint32_t{b.signs[c][g]} << 7 * g;
            }
        }
        std::memcpy(words + 4, &word, sizeof(word));
    }
};

// Two scales of 4 bits to a byte.
template <class T>
HWY_INLINE void pack_scales(const Batch<T>& b, size_t first, float inverse, uint8_t* scales) {
    for (size_t s = 0; s < 16; ++s) {
        const int32_t code = iq_scale_code(b.scale[first + s], inverse, 15);
        scales[s / 2] |= static_cast<uint8_t>(code << 4 * (s % 2));
    }
}

struct Iq2Xs : Iq2Of16 {
    static constexpr LatticeKind kKind = LatticeKind::kIq2Xs;
    static constexpr size_t kBlockBytes = 74;
    static constexpr bool kEvenSigns = true;
    static constexpr bool kDoubleSigma = false;
    static constexpr bool kPlainSigma = false;

    static HWY_INLINE LaneMask zero_sub_block(Float max) {
        return hn::Lt(max, hn::Set(Lanes(), 1e-15F));
    }

    // d | 32 words of 9 bits of grid index and 7 signs | scales[8].
    static void pack(const Lattice& lattice, const Batch<Iq2Xs>& b, size_t first, std::byte* out) {
        uint8_t block[kBlockBytes] = {};
        const float max_scale = largest_scale(b, first, 16);
        if (max_scale != 0) {
            const float d = max_scale / 31;
            write_half(d, block);
            for (size_t s = 0; s < 16; ++s) {
                if (b.active[first + s] == 0) continue;
                for (size_t g = 0; g < 2; ++g) {
                    const uint32_t index = grid_index(lattice, b, first + s, g);
                    const uint32_t signs = b.signs[first + s][g];
                    const auto word = static_cast<uint16_t>(index | signs << 9);
                    std::memcpy(block + 2 + 4 * s + 2 * g, &word, sizeof(word));
                }
            }
            pack_scales(b, first, 1 / d, block + 66);
        }
        std::memcpy(out, block, kBlockBytes);
    }
};

struct Iq2S : Iq2Of16 {
    static constexpr LatticeKind kKind = LatticeKind::kIq2S;
    static constexpr size_t kBlockBytes = 82;
    static constexpr bool kEvenSigns = false;
    static constexpr bool kDoubleSigma = true;
    static constexpr bool kPlainSigma = true;

    static HWY_INLINE LaneMask zero_sub_block(Float max) {
        return hn::Lt(max, hn::Set(Lanes(), 1e-8F));
    }

    // d | low 8 bits of 32 grid indices | signs[32] | their high 2 bits | scales[8].
    static void pack(const Lattice& lattice, const Batch<Iq2S>& b, size_t first, std::byte* out) {
        uint8_t block[kBlockBytes] = {};
        for (size_t s = 0; s < 16; ++s) {
            if (b.active[first + s] == 0) continue;
            for (size_t g = 0; g < 2; ++g) {
                const uint32_t index = grid_index(lattice, b, first + s, g);
                const size_t at = 2 * s + g;
                block[2 + at] = static_cast<uint8_t>(index & 255);
                block[34 + at] = b.signs[first + s][g];
                block[66 + at / 4] |= static_cast<uint8_t>((index >> 8) << 2 * (at % 4));
            }
        }
        const float max_scale = largest_scale(b, first, 16);
        if (max_scale != 0) {
            const float d = max_scale / 31;
            write_half(d * 0.9875F, block);
            pack_scales(b, first, 1 / d, block + 74);
        }
        std::memcpy(out, block, kBlockBytes);
    }
};

void encode_iq2_xxs(const IqRows& rows, std::byte* out) {
    encode_lattice_rows<Iq2Xxs>(rows, out);
}
void encode_iq2_xs(const IqRows& rows, std::byte* out) {
    encode_lattice_rows<Iq2Xs>(rows, out);
}
void encode_iq2_s(const IqRows& rows, std::byte* out) {
    encode_lattice_rows<Iq2S>(rows, out);
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {
namespace iq {
HWY_EXPORT(encode_iq2_xxs);
HWY_EXPORT(encode_iq2_xs);
HWY_EXPORT(encode_iq2_s);
}  // namespace iq

using namespace iq;  // NOLINT(google-build-using-namespace): tables of HWY_EXPORT

void encode_iq2_xxs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                         std::byte* out) {
    const IqRows all{in, rows, row_weights, importance, "IQ2_XXS"};
    all.require_importance();
    HWY_DYNAMIC_DISPATCH(encode_iq2_xxs)(all, out);
}

void encode_iq2_xs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                        std::byte* out) {
    const IqRows all{in, rows, row_weights, importance, "IQ2_XS"};
    all.require_importance();
    HWY_DYNAMIC_DISPATCH(encode_iq2_xs)(all, out);
}

void encode_iq2_s_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(encode_iq2_s)({in, rows, row_weights, importance, "IQ2_S"}, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
