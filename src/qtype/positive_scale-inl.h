// The scale that fits non-negative levels to weights: make_qp_quants of ggml-quants.c, bit for bit,
// one sub-block per lane.

// Included once per target (Highway's way).
#if defined(BITGAUGE_QTYPE_POSITIVE_SCALE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_POSITIVE_SCALE_INL_H_
#undef BITGAUGE_QTYPE_POSITIVE_SCALE_INL_H_
#else
#define BITGAUGE_QTYPE_POSITIVE_SCALE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "qtype/encode_lattice-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Weighted squared error of rounding x * inverse. The first error of the search does not bound the
// levels, and keeps negative ones as unsigned bytes.
template <size_t kSize, size_t kStride, bool kFirst>
HWY_INLINE Float rounding_error(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                                Float inverse, int32_t top) {
    const Lanes d;
    const IntLanes di;
    const auto scale = hn::Div(hn::Set(d, 1.0F), inverse);
    auto error = hn::Zero(d);
    for (size_t i = 0; i < kSize; ++i) {
        const auto value = hn::Load(d, x + i * kStride);
        auto level = nearest_int(hn::Mul(inverse, value));
        level = kFirst ? hn::And(level, hn::Set(di, 255)) : hn::Min(level, hn::Set(di, top));
        const auto difference = hn::Sub(value, hn::Mul(scale, hn::ConvertTo(d, level)));
        const auto weighted = hn::Mul(hn::Load(d, w + i * kStride), difference);
        error = hn::Add(error, hn::Mul(weighted, difference));
    }
    return error;
}

template <size_t kSize, size_t kStride>
HWY_INLINE Float best_inverse(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, int32_t top,
                              Float max) {
    const Lanes d;
    auto inverse = hn::Div(hn::Set(d, static_cast<float>(top)), max);
    auto least = rounding_error<kSize, kStride, true>(x, w, inverse, top);
    for (int step = -4; step <= 4; ++step) {
        if (step == 0) continue;
        const float levels = 0.1F * static_cast<float>(step) + static_cast<float>(top);
        const auto trial = hn::Div(hn::Set(d, levels), max);
        const auto error = rounding_error<kSize, kStride, false>(x, w, trial, top);
        const auto better = hn::Lt(error, least);
        least = hn::IfThenElse(better, error, least);
        inverse = hn::IfThenElse(better, trial, inverse);
    }
    return inverse;
}

struct LevelSums {
    Float lx;
    Float l2;
};

// Moves each level to where the others' scale puts it; true when any lane moved one.
template <size_t kSize, size_t kStride>
HWY_INLINE bool move_levels(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                            const float* HWY_RESTRICT wx, int32_t top, int32_t* HWY_RESTRICT levels,
                            LevelSums* sums) {
    const Lanes d;
    const IntLanes di;
    const size_t lanes = hn::Lanes(d);
    bool changed = false;
    for (size_t i = 0; i < kSize; ++i) {
        const auto weight = hn::Load(d, w + i * kStride);
        const auto weighted = hn::Load(d, wx + i * kStride);
        const auto level_int = hn::Load(di, levels + i * lanes);
        const auto level = hn::ConvertTo(d, level_int);
        auto lx = hn::Sub(sums->lx, hn::Mul(weighted, level));
        auto l2 = hn::Sub(sums->l2, hn::Mul(hn::Mul(weight, level), level));
        auto move = hn::And(hn::Gt(lx, hn::Zero(d)), hn::Gt(l2, hn::Zero(d)));
        const auto target = hn::Div(hn::Mul(hn::Load(d, x + i * kStride), l2), lx);
        const auto moved_int = hn::Min(nearest_int(target), hn::Set(di, top));
        move = hn::And(move, hn::RebindMask(d, hn::Ne(moved_int, level_int)));
        if (hn::AllFalse(d, move)) continue;
        const auto moved = hn::ConvertTo(d, moved_int);
        lx = hn::Add(lx, hn::Mul(weighted, moved));
        l2 = hn::Add(l2, hn::Mul(hn::Mul(weight, moved), moved));
        move = hn::And(move, hn::Gt(hn::Mul(hn::Mul(lx, lx), sums->l2),
                                    hn::Mul(hn::Mul(sums->lx, sums->lx), l2)));
        if (hn::AllFalse(d, move)) continue;
        changed = true;
        sums->lx = hn::IfThenElse(move, lx, sums->lx);
        sums->l2 = hn::IfThenElse(move, l2, sums->l2);
        const auto byte = hn::And(moved_int, hn::Set(di, 255));
        hn::Store(hn::IfThenElse(hn::RebindMask(di, move), byte, level_int), di,
                  levels + i * lanes);
    }
    return changed;
}

// `x`, `w` and `wx` = w * x: value i of the lanes' sub-blocks at i * kStride. Levels are 0..top;
// `max` is the largest x.
template <size_t kSize, size_t kStride>
HWY_INLINE Float positive_scale(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                                const float* HWY_RESTRICT wx, int32_t top, Float max) {
    const Lanes d;
    const IntLanes di;
    alignas(64) int32_t levels[kSize * kColumns];
    const auto inverse = best_inverse<kSize, kStride>(x, w, top, max);
    LevelSums sums{hn::Zero(d), hn::Zero(d)};
    for (size_t i = 0; i < kSize; ++i) {
        const auto rounded = nearest_int(hn::Mul(inverse, hn::Load(d, x + i * kStride)));
        const auto level_int = hn::Min(rounded, hn::Set(di, top));
        const auto level = hn::ConvertTo(d, level_int);
        hn::Store(hn::And(level_int, hn::Set(di, 255)), di, levels + i * hn::Lanes(d));
        const auto weighted = hn::Mul(hn::Load(d, w + i * kStride), level);
        sums.lx = hn::Add(sums.lx, hn::Mul(hn::Load(d, wx + i * kStride), level));
        sums.l2 = hn::Add(sums.l2, hn::Mul(weighted, level));
    }
    for (int pass = 0; pass < 5; ++pass) {
        if (!move_levels<kSize, kStride>(x, w, wx, top, levels, &sums)) break;
    }
    const auto positive = hn::Gt(sums.l2, hn::Zero(d));
    return hn::IfThenElseZero(positive, hn::Div(sums.lx, sums.l2));
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
