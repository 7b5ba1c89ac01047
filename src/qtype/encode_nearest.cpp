// Encoders without a search, block by block in the order of the weights. Reproduces
// quantize_row_q4_0_ref, q4_1, q5_0, q5_1, q8_0 and mxfp4 of ggml-quants.c.

#include "qtype/encode_nearest.h"

#include <cmath>
#include <cstring>

#include "qtype/blocks.h"
#include "qtype/encoders.h"
#include "qtype/lane_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_nearest.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/groups-inl.h"
// clang-format on

#include <ggml.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// Each format encodes one block; false: numbers out of the range in which this is exact.

#if HWY_TARGET == HWY_SCALAR
// Nothing to gain over the reference.
template <class Block>
HWY_INLINE bool encode_block(const float*, Block&) {
    return false;
}
#else
constexpr size_t kVectors = kPlainBlock / kLanes;

struct Weights {
    Vec v[kVectors];
};

HWY_INLINE Weights load_block(const float* x) {
    Weights weights;
    for (size_t i = 0; i < kVectors; ++i) weights.v[i] = hn::LoadU(Floats(), x + i * kLanes);
    return weights;
}

// Bits of the largest magnitude: above those of infinity when there is a NaN.
HWY_INLINE int32_t largest_bits(const Weights& weights) {
    const Ints d;
    IntVec largest = hn::Zero(d);
    for (const Vec v : weights.v) largest = hn::Max(largest, hn::BitCast(d, hn::Abs(v)));
    return hn::GetLane(hn::MaxOfLanes(d, largest));
}

constexpr int32_t kInfinityBits = 0x7f800000;

HWY_INLINE float float_of(int32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

HWY_INLINE bool has(const Weights& weights, float value) {
    Mask found = hn::Not(all_lanes());
    for (const Vec v : weights.v) found = hn::Or(found, hn::Eq(v, set(value)));
    return any(found);
}

// The weight of largest magnitude, the first of equals.
HWY_INLINE float extreme_of(const float* x, const Weights& weights, float magnitude) {
    if (magnitude == 0 || !has(weights, -magnitude)) return magnitude;
    if (!has(weights, magnitude)) return -magnitude;
    while (std::fabs(*x) != magnitude) ++x;
    return *x;
}

HWY_INLINE float reciprocal(float scale) {
    return scale != 0 ? 1.0F / scale : 0.0F;
}

HWY_INLINE bool is_usable(float scale, float inverse) {
    return std::isfinite(scale) && std::isfinite(inverse);
}

// Sixteen integers as bytes in one vector: what is stored in pieces cannot be loaded at once
// without a wait.
template <class T>
HWY_INLINE hn::Vec<hn::FixedTag<T, 16>> narrowed(const IntVec* v) {
    const hn::FixedTag<T, 16> all;
    const hn::Rebind<T, Floats> part;
    if constexpr (kLanes == 16) {
        return hn::DemoteTo(part, v[0]);
    } else if constexpr (kLanes == 8) {
        return hn::Combine(all, hn::DemoteTo(part, v[1]), hn::DemoteTo(part, v[0]));
    } else {
        const hn::Half<hn::FixedTag<T, 16>> half;
        return hn::Combine(all,
                           hn::Combine(half, hn::DemoteTo(part, v[3]), hn::DemoteTo(part, v[2])),
                           hn::Combine(half, hn::DemoteTo(part, v[1]), hn::DemoteTo(part, v[0])));
    }
}

template <class T>
HWY_INLINE void store_narrowed(const IntVec (&v)[kVectors], T* bytes) {
    const hn::FixedTag<T, 16> d;
    hn::StoreU(narrowed<T>(v), d, bytes);
    hn::StoreU(narrowed<T>(v + kVectors / 2), d, bytes + 16);
}

// min(highest, integer part of (x - offset) * inverse + half)
HWY_INLINE void truncated_levels(const Weights& weights, float offset, float inverse, float half,
                                 int highest, uint8_t* levels) {
    const Ints ints;
    IntVec found[kVectors];
    for (size_t i = 0; i < kVectors; ++i) {
        const Vec v = hn::Mul(hn::Sub(weights.v[i], set(offset)), set(inverse));
        const IntVec level = hn::ConvertTo(ints, hn::Add(v, set(half)));
        found[i] = hn::Min(level, hn::Set(ints, highest));
    }
    store_narrowed(found, levels);
}

template <class Block>
HWY_INLINE bool encode_signed(const float* x, int half, Block& block, uint8_t* levels) {
    const Weights weights = load_block(x);
    const int32_t bits = largest_bits(weights);
    if (bits >= kInfinityBits) return false;
    const float scale = extreme_of(x, weights, float_of(bits)) / static_cast<float>(-half);
    const float inverse = reciprocal(scale);
    if (!is_usable(scale, inverse)) return false;
    block.d = ggml_fp32_to_fp16(scale);
    truncated_levels(weights, 0.0F, inverse, static_cast<float>(half) + 0.5F, 2 * half - 1, levels);
    return true;
}

// A minimum of zero is left out: its sign, which is stored, depends on the order of the weights.
template <class Block>
HWY_INLINE bool encode_affine(const float* x, int highest, Block& block, uint8_t* levels) {
    const Weights weights = load_block(x);
    Vec low = weights.v[0];
    Vec high = weights.v[0];
    for (const Vec v : weights.v) {
        low = hn::Min(low, v);
        high = hn::Max(high, v);
    }
    const float minimum = hn::GetLane(hn::MinOfLanes(Floats(), low));
    const float maximum = hn::GetLane(hn::MaxOfLanes(Floats(), high));
    const float scale = (maximum - minimum) / static_cast<float>(highest);
    const float inverse = reciprocal(scale);
    if (largest_bits(weights) >= kInfinityBits || minimum == 0 || !is_usable(scale, inverse)) {
        return false;
    }
    block.d = ggml_fp32_to_fp16(scale);
    block.m = ggml_fp32_to_fp16(minimum);
    truncated_levels(weights, minimum, inverse, 0.5F, highest, levels);
    return true;
}

HWY_INLINE bool encode_block(const float* x, BlockQ4Zero& block) {
    uint8_t levels[kPlainBlock];
    if (!encode_signed(x, 8, block, levels)) return false;
    pack_nibbles(levels, block.qs);
    return true;
}

HWY_INLINE bool encode_block(const float* x, BlockQ5Zero& block) {
    uint8_t levels[kPlainBlock];
    if (!encode_signed(x, 16, block, levels)) return false;
    pack_nibbles(levels, block.qs);
    pack_fifth_bits(levels, block.qh);
    return true;
}

HWY_INLINE bool encode_block(const float* x, BlockQ4One& block) {
    uint8_t levels[kPlainBlock];
    if (!encode_affine(x, 15, block, levels)) return false;
    pack_nibbles(levels, block.qs);
    return true;
}

HWY_INLINE bool encode_block(const float* x, BlockQ5One& block) {
    uint8_t levels[kPlainBlock];
    if (!encode_affine(x, 31, block, levels)) return false;
    pack_nibbles(levels, block.qs);
    pack_fifth_bits(levels, block.qh);
    return true;
}

// roundf() by the largest float below one half: exact for magnitudes of a byte.
HWY_INLINE IntVec round_half_away(Vec v) {
    const Vec almost_half = hn::CopySignToAbs(set(0.49999997F), v);
    return hn::ConvertTo(Ints(), hn::Add(v, almost_half));
}

HWY_INLINE bool encode_block(const float* x, BlockQ8Zero& block) {
    const Weights weights = load_block(x);
    const int32_t bits = largest_bits(weights);
    const float scale = float_of(bits) / 127;
    const float inverse = reciprocal(scale);
    if (bits >= kInfinityBits || !is_usable(scale, inverse)) return false;
    block.d = ggml_fp32_to_fp16(scale);
    IntVec levels[kVectors];
    for (size_t i = 0; i < kVectors; ++i) {
        levels[i] = round_half_away(hn::Mul(weights.v[i], set(inverse)));
    }
    store_narrowed(levels, block.qs);
    return true;
}

// floor(log2(magnitude)), of a float's bits. log2f rounds to the next integer just below a power of
// two, so the neighbourhood of powers is left to it.
HWY_INLINE int floor_log2(int32_t bits) {
    const int32_t fraction = bits & 0x7fffff;
    const int32_t exponent = bits >> 23;
    if (exponent == 0 || fraction < 0x1000 || fraction >= 0x7ff000) {
        return static_cast<int>(std::floor(std::log2(float_of(bits))));
    }
    return exponent - 127;
}

// Magnitudes in half steps of E2M1, rounded up, to its levels 0, 1, 2, 3, 4, 6, 8, 12 (in steps):
// the nearest, the lower of equals. Exact, as the steps are a power of two.
HWY_INLINE void nearest_e2m1(const Weights& weights, float half_steps, uint8_t* codes) {
    IntVec magnitudes[kVectors];
    IntVec signs[kVectors];
    for (size_t i = 0; i < kVectors; ++i) {
        const Vec scaled = hn::Ceil(hn::Mul(hn::Abs(weights.v[i]), set(half_steps)));
        magnitudes[i] = hn::ConvertTo(Ints(), scaled);
        const IntVec sign = hn::ShiftRight<31>(hn::BitCast(Ints(), weights.v[i]));
        signs[i] = hn::And(sign, hn::Set(Ints(), 8));
    }
    const hn::FixedTag<uint8_t, 16> d;
    HWY_ALIGN static constexpr uint8_t kLevelOf[16] = {0, 0, 1, 1, 2, 2, 3, 3,
                                                       4, 4, 4, 5, 5, 5, 5, 6};
    const auto levels = hn::Load(d, kLevelOf);
    for (size_t i = 0; i < kPlainBlock; i += 16) {
        const auto magnitude = narrowed<uint8_t>(magnitudes + i / kLanes);
        auto level = hn::TableLookupBytes(levels, hn::Min(magnitude, hn::Set(d, 15)));
        const auto top = hn::VecFromMask(d, hn::Eq(hn::Max(magnitude, hn::Set(d, 21)), magnitude));
        level = hn::Sub(level, top);
        const auto zero = hn::VecFromMask(d, hn::Eq(level, hn::Zero(d)));
        hn::StoreU(hn::Or(level, hn::AndNot(zero, narrowed<uint8_t>(signs + i / kLanes))), d,
                   codes + i);
    }
}

HWY_INLINE bool encode_block(const float* x, BlockMxfp4& block) {
    const Weights weights = load_block(x);
    const int32_t bits = largest_bits(weights);
    if (bits >= kInfinityBits) return false;
    if (bits == 0) {
        block = {};
        return true;
    }
    const int exponent = floor_log2(bits) - 2 + 127;
    if (exponent < 3 || exponent > 254) return false;
    block.e = static_cast<uint8_t>(exponent);
    uint8_t codes[kPlainBlock];
    nearest_e2m1(weights, float_of((256 - exponent) << 23), codes);
    pack_nibbles(codes, block.qs);
    return true;
}
#endif

template <class Block>
HWY_INLINE void encode_blocks(ggml_type type, const float* in, size_t weights, std::byte* out) {
    for (size_t at = 0; at < weights; at += kPlainBlock, out += sizeof(Block)) {
        if (!encode_block(in + at, *reinterpret_cast<Block*>(out))) {
            encode_by_ggml(type, in + at, 1, kPlainBlock, nullptr, out);
        }
    }
}

void q4_0_nearest(const float* in, size_t weights, std::byte* out) {
    encode_blocks<BlockQ4Zero>(GGML_TYPE_Q4_0, in, weights, out);
}
void q4_1_nearest(const float* in, size_t weights, std::byte* out) {
    encode_blocks<BlockQ4One>(GGML_TYPE_Q4_1, in, weights, out);
}
void q5_0_nearest(const float* in, size_t weights, std::byte* out) {
    encode_blocks<BlockQ5Zero>(GGML_TYPE_Q5_0, in, weights, out);
}
void q5_1_nearest(const float* in, size_t weights, std::byte* out) {
    encode_blocks<BlockQ5One>(GGML_TYPE_Q5_1, in, weights, out);
}
void q8_0_nearest(const float* in, size_t weights, std::byte* out) {
    encode_blocks<BlockQ8Zero>(GGML_TYPE_Q8_0, in, weights, out);
}
void mxfp4_nearest(const float* in, size_t weights, std::byte* out) {
    encode_blocks<BlockMxfp4>(GGML_TYPE_MXFP4, in, weights, out);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(q4_0_nearest);
HWY_EXPORT(q4_1_nearest);
HWY_EXPORT(q5_0_nearest);
HWY_EXPORT(q5_1_nearest);
HWY_EXPORT(q8_0_nearest);
HWY_EXPORT(mxfp4_nearest);

void nearest_q4_0_rows(const float* in, size_t rows, size_t row_weights, const float*,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q4_0_nearest)(in, rows * row_weights, out);
}

void nearest_q4_1_rows(const float* in, size_t rows, size_t row_weights, const float*,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q4_1_nearest)(in, rows * row_weights, out);
}

void nearest_q5_0_rows(const float* in, size_t rows, size_t row_weights, const float*,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q5_0_nearest)(in, rows * row_weights, out);
}

void nearest_q5_1_rows(const float* in, size_t rows, size_t row_weights, const float*,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q5_1_nearest)(in, rows * row_weights, out);
}

void encode_q8_0_rows(const float* in, size_t rows, size_t row_weights, const float*,
                      std::byte* out) {
    HWY_DYNAMIC_DISPATCH(q8_0_nearest)(in, rows * row_weights, out);
}

void encode_mxfp4_rows(const float* in, size_t rows, size_t row_weights, const float*,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(mxfp4_nearest)(in, rows * row_weights, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
