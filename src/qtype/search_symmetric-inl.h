// The scale of a block of signed levels: make_qx_quants of ggml-quants.c, one block per lane.

// Included once per instruction set.
#if defined(BITGAUGE_QTYPE_SEARCH_SYMMETRIC_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_SEARCH_SYMMETRIC_INL_H
#undef BITGAUGE_QTYPE_SEARCH_SYMMETRIC_INL_H
#else
#define BITGAUGE_QTYPE_SEARCH_SYMMETRIC_INL_H
#endif

#include "qtype/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// x = scale * level, level = nearest_int(inverse * x) clamped to -half..half-1. Blocks that count
// as zeros have scale and inverse 0; their levels are stored as -half.
struct SymmetricFit {
    Vec scale;
    Vec inverse;
    Mask zero;
    Mask exact;  // false: the scale or some weight is not finite
};

// The weight of largest magnitude, the first of equals.
struct Extreme {
    Vec value;
    Vec magnitude;
    Mask finite;  // all weights are
};

template <size_t kCount>
HWY_INLINE Extreme extreme_of(const float* x) {
    const Vec zero = hn::Zero(Floats());
    Extreme extreme = {.value = zero, .magnitude = zero, .finite = hn::Eq(zero, zero)};
    Vec zeros = zero;
    for (size_t i = 0; i < kCount; ++i) {
        const Vec v = load(x + i * kLanes);
        const Vec magnitude = hn::Abs(v);
        const Mask larger = hn::Gt(magnitude, extreme.magnitude);
        extreme.value = choose(larger, v, extreme.value);
        extreme.magnitude = choose(larger, magnitude, extreme.magnitude);
        zeros = hn::Add(zeros, hn::Mul(v, zero));  // NaN from NaN and from infinity
    }
    extreme.finite = hn::Eq(zeros, zero);
    return extreme;
}

// kPair blocks per lane at once. Tiles of `x` and `weights` follow one another; `products` is room
// for as much.
template <size_t kCount, size_t kPair>
class SymmetricSearch {
  public:
    SymmetricSearch(int half, const float* x, const float* weights, float* products)
        : half_(static_cast<float>(half)), x_(x), weights_(weights), products_(products) {}

    HWY_INLINE void run(SymmetricFit* fits) {
        start();
        for (int trial = -9; trial <= 9; ++trial) {
            if (trial == 0) continue;
            for (size_t p = 0; p < kPair; ++p) {
                const float levels = half_ + 0.1F * static_cast<float>(trial);
                inverse_[p] = hn::Div(set(-levels), extreme_[p].value);
            }
            sum_levels();
            keep_better();
        }
        for (size_t p = 0; p < kPair; ++p) fits[p] = fit(p);
    }

  private:
    static constexpr size_t kTile = kCount * kLanes;

    HWY_INLINE void start() {
        for (size_t p = 0; p < kPair; ++p) {
            extreme_[p] = extreme_of<kCount>(x_ + p * kTile);
            inverse_[p] = hn::Div(set(-half_), extreme_[p].value);
            best_inverse_[p] = inverse_[p];
        }
        for (size_t i = 0; i < kPair * kTile; i += kLanes) {
            store(hn::Mul(load(weights_ + i), load(x_ + i)), products_ + i);
        }
        sum_levels();
        const Vec zero = hn::Zero(Floats());
        for (size_t p = 0; p < kPair; ++p) {
            const Mask none = hn::Eq(sum_l2_[p], zero);  // not of NaN
            scale_[p] = hn::IfThenZeroElse(none, hn::Div(sum_xl_[p], sum_l2_[p]));
            best_[p] = hn::Mul(scale_[p], sum_xl_[p]);
        }
    }

    // Rounds to levels and sums w * x * l and w * l^2.
    HWY_INLINE void sum_levels() {
        const Vec magic = set(kMagic);
        const Vec low = set(kMagic - half_);
        const Vec high = set(kMagic + half_ - 1);
        Vec sum_xl[kPair];
        Vec sum_l2[kPair];
        for (size_t p = 0; p < kPair; ++p) sum_xl[p] = sum_l2[p] = hn::Zero(Floats());
        for (size_t i = 0; i < kCount; ++i) {
            for (size_t p = 0; p < kPair; ++p) {
                const size_t at = p * kTile + i * kLanes;
                const Vec v = hn::Mul(inverse_[p], load(x_ + at));
                const Vec rounded = hn::Min(hn::Max(hn::Add(v, magic), low), high);
                const Vec level = hn::Sub(rounded, magic);
                const Vec wl = hn::Mul(load(weights_ + at), level);
                sum_xl[p] = hn::Add(sum_xl[p], hn::Mul(load(products_ + at), level));
                sum_l2[p] = hn::Add(sum_l2[p], hn::Mul(wl, level));
            }
        }
        for (size_t p = 0; p < kPair; ++p) {
            sum_xl_[p] = sum_xl[p];
            sum_l2_[p] = sum_l2[p];
        }
    }

    HWY_INLINE void keep_better() {
        for (size_t p = 0; p < kPair; ++p) {
            const Mask better =
                hn::And(hn::Gt(sum_l2_[p], hn::Zero(Floats())),
                        hn::Gt(hn::Mul(sum_xl_[p], sum_xl_[p]), hn::Mul(best_[p], sum_l2_[p])));
            const Vec scale = hn::Div(sum_xl_[p], sum_l2_[p]);
            scale_[p] = choose(better, scale, scale_[p]);
            best_[p] = choose(better, hn::Mul(scale, sum_xl_[p]), best_[p]);
            best_inverse_[p] = choose(better, inverse_[p], best_inverse_[p]);
        }
    }

    HWY_INLINE SymmetricFit fit(size_t p) const {
        const Mask zero = hn::Lt(extreme_[p].magnitude, set(kSmallestMaximum));
        const Vec scale = hn::IfThenZeroElse(zero, scale_[p]);
        return {.scale = scale,
                .inverse = hn::IfThenZeroElse(zero, best_inverse_[p]),
                .zero = zero,
                .exact = hn::And(extreme_[p].finite, is_finite(scale))};
    }

    float half_;
    const float* HWY_RESTRICT x_;
    const float* HWY_RESTRICT weights_;
    float* HWY_RESTRICT products_;
    Extreme extreme_[kPair];
    Vec inverse_[kPair], best_inverse_[kPair], scale_[kPair], best_[kPair];
    Vec sum_xl_[kPair], sum_l2_[kPair];
};

// Out of line: formats share it, and its state stays in registers.
template <size_t kCount, size_t kPair>
HWY_NOINLINE void search_symmetric(int half, const float* x, const float* weights, float* products,
                                   SymmetricFit* fits) {
    SymmetricSearch<kCount, kPair> search(half, x, weights, products);
    search.run(fits);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
