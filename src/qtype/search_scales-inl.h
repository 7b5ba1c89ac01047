// The scale of a super-block's own scales and minimums, one super-block per lane: make_qp_quants of
// ggml-quants.c, and the plain division by the largest that is used without importance.

// Included once per instruction set.
#if defined(BITGAUGE_QTYPE_SEARCH_SCALES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_SEARCH_SCALES_INL_H
#undef BITGAUGE_QTYPE_SEARCH_SCALES_INL_H
#else
#define BITGAUGE_QTYPE_SEARCH_SCALES_INL_H
#endif

#include "qtype/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// kCount values in tiles of one vector each, all non-negative in lanes that are exact.
template <size_t kCount>
class ScalesSearch {
  public:
    ScalesSearch(int highest_level, const float* values, const float* weights, int32_t* levels)
        : highest_(static_cast<float>(highest_level)),
          values_(values),
          weights_(weights),
          levels_(levels) {}

    // The common scale; `exact` loses lanes that left the range in which this is exact.
    HWY_INLINE Vec run(Mask& exact) {
        const Mask zero = measure();
        exact = hn::And(exact, hn::Or(zero, non_negative_));
        try_scales();
        sum_levels();
        Mask changed = hn::Not(zero);
        for (int pass = 0; pass < 5 && any(changed); ++pass) changed = improve(zero, exact);
        const Vec scale = hn::Div(sum_xl_, sum_l2_);
        const Mask usable = hn::AndNot(zero, hn::Gt(sum_l2_, hn::Zero(Floats())));
        return hn::IfThenElseZero(usable, scale);
    }

    // Without importance: the largest value gets the highest level.
    HWY_INLINE Vec run_plain(Mask& exact) {
        measure();
        exact = hn::And(exact, non_negative_);
        const Mask positive = hn::Gt(largest_, hn::Zero(Floats()));
        const Vec inverse = hn::IfThenElseZero(positive, hn::Div(set(highest_), largest_));
        for (size_t i = 0; i < kCount; ++i) {
            const Vec v = hn::Mul(inverse, value(i));
            exact = hn::And(exact, rounds(v));
            store_level(i, hn::Min(round(v), set(highest_)));
        }
        return hn::Div(largest_, set(highest_));
    }

  private:
    HWY_INLINE Vec value(size_t i) const { return load(values_ + i * kLanes); }
    HWY_INLINE Vec weight(size_t i) const { return load(weights_ + i * kLanes); }
    HWY_INLINE Vec level(size_t i) const {
        return hn::ConvertTo(Floats(), hn::Load(Ints(), levels_ + i * kLanes));
    }
    HWY_INLINE void store_level(size_t i, Vec level) {
        hn::Store(hn::ConvertTo(Ints(), level), Ints(), levels_ + i * kLanes);
    }
    static HWY_INLINE Vec round(Vec v) { return hn::Sub(hn::Add(v, set(kMagic)), set(kMagic)); }

    // Lanes whose values all count as zero.
    HWY_INLINE Mask measure() {
        largest_ = hn::Zero(Floats());
        non_negative_ = all_lanes();
        for (size_t i = 0; i < kCount; ++i) {
            const Vec x = value(i);
            largest_ = choose(hn::Gt(x, largest_), x, largest_);
            non_negative_ =
                hn::And(non_negative_, hn::And(hn::Ge(x, hn::Zero(Floats())), is_finite(x)));
        }
        return hn::Lt(largest_, set(kSmallestMaximum));
    }

    // The scale among nine around the plain one with the least weighted error.
    HWY_INLINE void try_scales() {
        inverse_ = hn::Div(set(highest_), largest_);
        Vec best = squared_error(inverse_);
        for (int trial = -4; trial <= 4; ++trial) {
            if (trial == 0) continue;
            const float levels = 0.1F * static_cast<float>(trial) + highest_;
            const Vec inverse = hn::Div(set(levels), largest_);
            const Vec error = squared_error(inverse);
            const Mask better = hn::Lt(error, best);
            best = choose(better, error, best);
            inverse_ = choose(better, inverse, inverse_);
        }
    }

    HWY_INLINE Vec squared_error(Vec inverse) const {
        const Vec scale = hn::Div(set(1.0F), inverse);
        Vec error = hn::Zero(Floats());
        for (size_t i = 0; i < kCount; ++i) {
            const Vec l = hn::Min(round(hn::Mul(inverse, value(i))), set(highest_));
            const Vec off = hn::Sub(value(i), hn::Mul(scale, l));
            error = hn::Add(error, hn::Mul(hn::Mul(weight(i), off), off));
        }
        return error;
    }

    HWY_INLINE void sum_levels() {
        sum_xl_ = hn::Zero(Floats());
        sum_l2_ = hn::Zero(Floats());
        const Mask positive = hn::Ge(largest_, set(kSmallestMaximum));
        for (size_t i = 0; i < kCount; ++i) {
            Vec l = hn::Min(round(hn::Mul(inverse_, value(i))), set(highest_));
            l = hn::IfThenElseZero(positive, l);
            store_level(i, l);
            const Vec w = weight(i);
            sum_xl_ = hn::Add(sum_xl_, hn::Mul(hn::Mul(w, value(i)), l));
            sum_l2_ = hn::Add(sum_l2_, hn::Mul(hn::Mul(w, l), l));
        }
    }

    // One round of moving each level to where the others want it; lanes that moved.
    HWY_INLINE Mask improve(Mask zero, Mask& exact) {
        Mask changed = hn::Not(all_lanes());
        for (size_t i = 0; i < kCount; ++i) {
            const Mask moved = move_level(i, zero, exact);
            changed = hn::Or(changed, moved);
        }
        return changed;
    }

    HWY_INLINE Mask move_level(size_t i, Mask zero, Mask& exact) {
        const Vec x = value(i);
        const Vec w = weight(i);
        const Vec l = level(i);
        const Vec none = hn::Zero(Floats());
        Vec xl = hn::Sub(sum_xl_, hn::Mul(hn::Mul(w, x), l));
        Vec l2 = hn::Sub(sum_l2_, hn::Mul(hn::Mul(w, l), l));
        Mask better = hn::AndNot(zero, hn::And(hn::Gt(xl, none), hn::Gt(l2, none)));
        const Vec wanted = hn::Div(hn::Mul(x, l2), xl);
        exact = hn::And(exact, hn::Or(hn::Not(better), rounds(wanted)));
        const Vec moved = hn::Min(round(wanted), set(highest_));
        xl = hn::Add(xl, hn::Mul(hn::Mul(w, x), moved));
        l2 = hn::Add(l2, hn::Mul(hn::Mul(w, moved), moved));
        better = hn::And(better, hn::Ne(moved, l));
        better = hn::And(better, hn::Gt(hn::Mul(hn::Mul(xl, xl), sum_l2_),
                                        hn::Mul(hn::Mul(sum_xl_, sum_xl_), l2)));
        sum_xl_ = choose(better, xl, sum_xl_);
        sum_l2_ = choose(better, l2, sum_l2_);
        store_level(i, choose(better, moved, l));
        return better;
    }

    float highest_;
    const float* HWY_RESTRICT values_;
    const float* HWY_RESTRICT weights_;
    int32_t* HWY_RESTRICT levels_;
    Vec largest_, inverse_, sum_xl_, sum_l2_;
    Mask non_negative_;
};

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
