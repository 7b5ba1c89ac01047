// What the encoders share: one block per lane, so that every lane does the reference's operations
// in the reference's order. A tile holds weight i of the lanes' blocks at [i * lanes, (i + 1) *
// lanes).

// Included once per instruction set.
#if defined(BITGAUGE_QTYPE_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_LANES_INL_H
#undef BITGAUGE_QTYPE_LANES_INL_H
#else
#define BITGAUGE_QTYPE_LANES_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Ints = hn::RebindToSigned<Floats>;
using Bytes = hn::Rebind<uint8_t, Floats>;
using Vec = hn::Vec<Floats>;
using IntVec = hn::Vec<Ints>;
using Mask = hn::Mask<Floats>;

constexpr size_t kLanes = hn::MaxLanes(Floats());

// GROUP_MAX_EPS of ggml-quants.c: a block whose largest magnitude is below counts as zeros.
constexpr float kSmallestMaximum = 1e-15F;
// Adding 1.5 * 2^23 rounds to an integer, ties to even, within +-kRoundingRange.
constexpr float kMagic = 12582912.0F;
constexpr float kRoundingRange = 4194303.0F;

HWY_INLINE Vec set(float value) {
    return hn::Set(Floats(), value);
}
HWY_INLINE Vec load(const float* from) {
    return hn::Load(Floats(), from);
}
HWY_INLINE void store(Vec v, float* to) {
    hn::Store(v, Floats(), to);
}
HWY_INLINE Mask all_lanes() {
    return hn::Eq(hn::Zero(Floats()), hn::Zero(Floats()));
}
HWY_INLINE bool any(Mask mask) {
    return !hn::AllFalse(Floats(), mask);
}
HWY_INLINE bool all(Mask mask) {
    return hn::AllTrue(Floats(), mask);
}

// IfThenElse in the order of the scalar `condition ? yes : no`.
HWY_INLINE Vec choose(Mask condition, Vec yes, Vec no) {
    return hn::IfThenElse(condition, yes, no);
}

// nearest_int of ggml-quants.c with its wrap-around out of range.
HWY_INLINE IntVec nearest_int(Vec v) {
    const Ints d;
    const auto bits = hn::BitCast(d, hn::Add(v, set(kMagic)));
    return hn::Sub(hn::And(bits, hn::Set(d, 0x007fffff)), hn::Set(d, 0x00400000));
}

HWY_INLINE int nearest_int(float v) {
    const float sum = v + kMagic;
    int32_t bits;
    std::memcpy(&bits, &sum, sizeof(bits));
    return (bits & 0x007fffff) - 0x00400000;
}

HWY_INLINE IntVec clamp(IntVec v, int lowest, int highest) {
    const Ints d;
    return hn::Max(hn::Set(d, lowest), hn::Min(hn::Set(d, highest), v));
}

// Where nearest_int() of `v` is the rounded `v`; false for NaN.
HWY_INLINE Mask rounds(Vec v) {
    return hn::Le(hn::Abs(v), set(kRoundingRange));
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void make_tile(const float* const* rows, size_t count, float* tile) {
    std::copy_n(rows[0], count, tile);
}
#else
// Four values of four rows to four rows of the tile.
HWY_INLINE void transpose_four(const float* const* rows, size_t at, float* tile) {
    const hn::FixedTag<float, 4> d;
    const hn::RepartitionToWide<decltype(d)> wide;
    const auto r0 = hn::LoadU(d, rows[0] + at);
    const auto r1 = hn::LoadU(d, rows[1] + at);
    const auto r2 = hn::LoadU(d, rows[2] + at);
    const auto r3 = hn::LoadU(d, rows[3] + at);
    const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, r0, r1));
    const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, r2, r3));
    const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, r0, r1));
    const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, r2, r3));
    hn::Store(hn::BitCast(d, hn::InterleaveLower(wide, low01, low23)), d, tile);
    hn::Store(hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23)), d, tile + kLanes);
    hn::Store(hn::BitCast(d, hn::InterleaveLower(wide, high01, high23)), d, tile + 2 * kLanes);
    hn::Store(hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23)), d, tile + 3 * kLanes);
}

// `count`, a multiple of four, values of each lane's row.
HWY_INLINE void make_tile(const float* const* rows, size_t count, float* tile) {
    for (size_t i = 0; i < count; i += 4) {
        for (size_t lane = 0; lane < kLanes; lane += 4) {
            transpose_four(rows + lane, i, tile + i * kLanes + lane);
        }
    }
}
#endif

// Sum of squares in order.
HWY_INLINE Vec sum_of_squares(const float* tile, size_t count) {
    Vec sum = hn::Zero(Floats());
    for (size_t i = 0; i < count; ++i) {
        const Vec x = load(tile + i * kLanes);
        sum = hn::Add(sum, hn::Mul(x, x));
    }
    return sum;
}

HWY_INLINE Vec sum(const float* tile, size_t count) {
    Vec total = hn::Zero(Floats());
    for (size_t i = 0; i < count; ++i) total = hn::Add(total, load(tile + i * kLanes));
    return total;
}

// weights = importance * sqrt(sigma2 + x^2), the weighting of every scale search with importance.
// `weights` holds the importance on entry.
HWY_INLINE void weigh_importance(const float* x, size_t count, Vec sigma2, float* weights) {
    for (size_t i = 0; i < count; ++i) {
        const Vec v = load(x + i * kLanes);
        const Vec root = hn::Sqrt(hn::Add(sigma2, hn::Mul(v, v)));
        store(hn::Mul(load(weights + i * kLanes), root), weights + i * kLanes);
    }
}

HWY_INLINE Mask is_finite(Vec v) {
    return hn::Le(hn::Abs(v), set(std::numeric_limits<float>::max()));
}

// Bit k: lane k.
HWY_INLINE uint64_t bits_of(Mask mask) {
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(Floats(), mask, bytes);
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; ++i) bits |= uint64_t{bytes[i]} << 8 * i;
    return bits;
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
