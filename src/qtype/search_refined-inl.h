// Signed levels moved one at a time to where the others want them: make_q3_quants of ggml-quants.c,
// one block per lane.

// Included once per instruction set.
#if defined(BITGAUGE_QTYPE_SEARCH_REFINED_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_SEARCH_REFINED_INL_H
#undef BITGAUGE_QTYPE_SEARCH_REFINED_INL_H
#else
#define BITGAUGE_QTYPE_SEARCH_REFINED_INL_H
#endif

#include "qtype/search_symmetric-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// kPair blocks per lane at once. The levels, -half..half-1, are left in `levels`; those of zero
// blocks mean nothing.
template <size_t kCount, size_t kPair>
class RefinedSearch {
  public:
    RefinedSearch(int half, const float* x, float* levels)
        : half_(static_cast<float>(half)), x_(x), levels_(levels) {}

    HWY_INLINE void run(SymmetricFit* fits) {
        for (size_t p = 0; p < kPair; ++p) start(p);
        for (int pass = 0; pass < 5 && improve(); ++pass) {
        }
        const Vec none = hn::Zero(Floats());
        for (size_t p = 0; p < kPair; ++p) {
            const Mask usable = hn::AndNot(zero_[p], hn::Gt(sum_l2_[p], none));
            const Vec scale = hn::IfThenElseZero(usable, hn::Div(sum_xl_[p], sum_l2_[p]));
            fits[p] = {.scale = scale,
                       .inverse = hn::IfThenZeroElse(zero_[p], inverse_[p]),
                       .zero = zero_[p],
                       .exact = hn::And(exact_[p], is_finite(scale))};
        }
    }

  private:
    static constexpr size_t kTile = kCount * kLanes;

    HWY_INLINE Vec rounded(Vec v) const {
        const Vec magic = set(kMagic);
        const Vec sum = hn::Max(hn::Add(v, magic), set(kMagic - half_));
        return hn::Sub(hn::Min(sum, set(kMagic + half_ - 1)), magic);
    }

    HWY_INLINE void start(size_t p) {
        const Extreme extreme = extreme_of<kCount>(x_ + p * kTile);
        zero_[p] = hn::Lt(extreme.magnitude, set(kSmallestMaximum));
        exact_[p] = extreme.finite;
        inverse_[p] = hn::Div(set(-half_), extreme.value);
        sum_xl_[p] = sum_l2_[p] = hn::Zero(Floats());
        for (size_t i = 0; i < kCount; ++i) {
            const size_t at = p * kTile + i * kLanes;
            const Vec x = load(x_ + at);
            const Vec w = hn::Mul(x, x);
            const Vec level = rounded(hn::Mul(inverse_[p], x));
            store(level, levels_ + at);
            sum_xl_[p] = hn::Add(sum_xl_[p], hn::Mul(hn::Mul(w, x), level));
            sum_l2_[p] = hn::Add(sum_l2_[p], hn::Mul(hn::Mul(w, level), level));
        }
    }

    // One round over all levels; whether any moved.
    HWY_INLINE bool improve() {
        Mask moved = hn::Not(all_lanes());
        for (size_t i = 0; i < kCount; ++i) {
            for (size_t p = 0; p < kPair; ++p) {
                const Mask moves = move_level(p, p * kTile + i * kLanes);
                moved = hn::Or(moved, moves);
            }
        }
        return any(moved);
    }

    HWY_INLINE Mask move_level(size_t p, size_t at) {
        const Vec none = hn::Zero(Floats());
        const Vec x = load(x_ + at);
        const Vec level = load(levels_ + at);
        const Vec w = hn::Mul(x, x);
        const Vec wx = hn::Mul(w, x);
        Vec xl = hn::Sub(sum_xl_[p], hn::Mul(wx, level));
        Vec l2 = hn::Sub(sum_l2_[p], hn::Mul(hn::Mul(w, level), level));
        Mask better = hn::AndNot(zero_[p], hn::Gt(xl, none));
        const Vec wanted = hn::Div(hn::Mul(x, l2), xl);
        exact_[p] = hn::And(exact_[p], hn::Or(hn::Not(better), rounds(wanted)));
        const Vec target = rounded(wanted);
        xl = hn::Add(xl, hn::Mul(wx, target));
        l2 = hn::Add(l2, hn::Mul(hn::Mul(w, target), target));
        better = hn::And(better, hn::And(hn::Ne(target, level), hn::Gt(l2, none)));
        better = hn::And(better, hn::Gt(hn::Mul(hn::Mul(xl, xl), sum_l2_[p]),
                                        hn::Mul(hn::Mul(sum_xl_[p], sum_xl_[p]), l2)));
        sum_xl_[p] = choose(better, xl, sum_xl_[p]);
        sum_l2_[p] = choose(better, l2, sum_l2_[p]);
        store(choose(better, target, level), levels_ + at);
        return better;
    }

    float half_;
    const float* HWY_RESTRICT x_;
    float* HWY_RESTRICT levels_;
    Vec inverse_[kPair], sum_xl_[kPair], sum_l2_[kPair];
    Mask zero_[kPair], exact_[kPair];
};

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
