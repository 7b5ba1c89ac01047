// IQ3_XXS and IQ3_S: quantize_row_iq3_xxs_impl and quantize_row_iq3_s_impl of ggml-quants.c.

#include <cstring>

#include "qtype/encode_iq.h"
#include "qtype/encoders_iq.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_iq3.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include "qtype/lane_targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/encode_lattice-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

// What both types share.
struct Iq3 {
    using Terms = Terms4;
    static constexpr size_t kSub = 32;
    static constexpr size_t kDims = 4;
    static constexpr size_t kLevelBits = 3;
    static constexpr int32_t kLevels = 8;
    static constexpr int32_t kLevelMask = 7;
    static constexpr float kTrialStep = 0.2F;
    static constexpr bool kDoubleSigma = true;
    static constexpr bool kPlainSigma = false;
    static constexpr bool kUnitMayVanish = false;

    template <class B>
    static HWY_INLINE TrialStart trial_start(const B&, size_t, Float max) {
        return {max, hn::Div(max, hn::Set(Lanes(), 15.0F))};
    }
};

struct Iq3S : Iq3 {
    static constexpr LatticeKind kKind = LatticeKind::kIq3S;
    static constexpr size_t kBlockBytes = 110;
    static constexpr int kTrialReach = 9;
    static constexpr bool kEvenSigns = false;
    static constexpr int32_t kFirstOffGrid = 255;
    static constexpr Refit kRefit = Refit::kAllWhenAny;

    static HWY_INLINE LaneMask zero_sub_block(Float max) { return hn::Eq(max, hn::Zero(Lanes())); }

    // d | qs[64] | qh[8] | signs[32] | scales[4]. ggml does not step over the low bits and signs of
    // a sub-block of zeros, so those of later sub-blocks move up; the high bits do not.
    static void pack(const Lattice& lattice, const Batch<Iq3S>& b, size_t first, std::byte* out) {
        uint8_t block[kBlockBytes] = {};
        uint8_t* low = block + 2;
        uint8_t* high = block + 66;
        uint8_t* signs = block + 74;
        float max_scale = 0;
        for (size_t s = 0; s < 8; ++s) {
            const size_t c = first + s;
            if (b.active[c] == 0) continue;
            for (size_t g = 0; g < 8; ++g) {
                const auto code = static_cast<uint32_t>(b.code[g * kColumns + c]);
                const uint32_t index = lattice.index_of(code);
                *low++ = static_cast<uint8_t>(index & 255);
                high[s] |= static_cast<uint8_t>((index >> 8) << g);
            }
            signs = std::copy_n(b.signs[c], 4, signs);
            max_scale = std::max(max_scale, b.scale[c]);
        }
        if (max_scale != 0) {
            const float d = max_scale / 31;
            const uint16_t half = iq_half(d * 1.033F);
            std::memcpy(block, &half, sizeof(half));
            for (size_t s = 0; s < 8; ++s) {
                const int32_t code = iq_scale_code(b.scale[first + s], 1 / d, 15);
                block[106 + s / 2] |= static_cast<uint8_t>(code << 4 * (s % 2));
            }
        }
        std::memcpy(out, block, kBlockBytes);
    }
};

struct Iq3Xxs : Iq3 {
    static constexpr LatticeKind kKind = LatticeKind::kIq3Xxs;
    static constexpr size_t kBlockBytes = 98;
    static constexpr int kTrialReach = 15;
    static constexpr bool kEvenSigns = true;
    static constexpr int32_t kFirstOffGrid = 0;
    static constexpr Refit kRefit = Refit::kOffGrid;

    static HWY_INLINE LaneMask zero_sub_block(Float max) {
        return hn::Lt(max, hn::Set(Lanes(), 1e-8F));
    }

    // d | qs[64] | eight words of 4 * 7 signs and a scale.
    static void pack(const Lattice& lattice, const Batch<Iq3Xxs>& b, size_t first, std::byte* out) {
        uint8_t block[kBlockBytes] = {};
        float max_scale = 0;
        for (size_t s = 0; s < 8; ++s) max_scale = std::max(max_scale, b.scale[first + s]);
        if (max_scale != 0) {
            const float d = max_scale / 31;
            const uint16_t half = iq_half(d * 1.0125F);
            std::memcpy(block, &half, sizeof(half));
            for (size_t s = 0; s < 8; ++s) pack_sub_block(lattice, b, first + s, s, 1 / d, block);
        }
        std::memcpy(out, block, kBlockBytes);
    }

    static void pack_sub_block(const Lattice& lattice, const Batch<Iq3Xxs>& b, size_t c, size_t s,
                               float inverse, uint8_t* block) {
        uint32_t word = static_cast<uint32_t>(iq_scale_code(b.scale[c], inverse, 15)) << 28;
        if (b.active[c] != 0) {
            for (size_t g = 0; g < 8; ++g) {
                const auto code = static_cast<uint32_t>(b.code[g * kColumns + c]);
                block[2 + 8 * s + g] = static_cast<uint8_t>(lattice.index_of(code));
            }
            for (size_t g = 0; g < 4; ++g) word |= uint32_t{b.signs[c][g]} << 7 * g;
        }
        std::memcpy(block + 66 + 4 * s, &word, sizeof(word));
    }
};

void encode_iq3_s(const IqRows& rows, std::byte* out) {
    encode_lattice_rows<Iq3S>(rows, out);
}
void encode_iq3_xxs(const IqRows& rows, std::byte* out) {
    encode_lattice_rows<Iq3Xxs>(rows, out);
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {
namespace iq {
HWY_EXPORT(encode_iq3_s);
HWY_EXPORT(encode_iq3_xxs);
}  // namespace iq

using namespace iq;  // NOLINT(google-build-using-namespace): tables of HWY_EXPORT

void encode_iq3_s_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(encode_iq3_s)({in, rows, row_weights, importance, "IQ3_S"}, out);
}

void encode_iq3_xxs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                         std::byte* out) {
    HWY_DYNAMIC_DISPATCH(encode_iq3_xxs)({in, rows, row_weights, importance, "IQ3_XXS"}, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
