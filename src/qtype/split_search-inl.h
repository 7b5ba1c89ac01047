// The best split of a sub-block into three runs of equal level, for IQ1.
//
// With levels -1, 0, 1, moved by +-1/8, the weighted error is least for some split of the values in
// ascending order into three runs. All splits are tried, as in quantize_row_iq1_{s,m}_impl of
// ggml-quants.c, one sub-block per lane; each lane keeps the split that the reference's sequence of
// comparisons would keep. Must be compiled without contraction of products and sums.

// Included once per target (Highway's way).
#if defined(BITGAUGE_QTYPE_SPLIT_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_SPLIT_SEARCH_INL_H_
#undef BITGAUGE_QTYPE_SPLIT_SEARCH_INL_H_
#else
#define BITGAUGE_QTYPE_SPLIT_SEARCH_INL_H_
#endif

#include <cfloat>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "qtype/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr float kDelta = 0.125F;
// Levels moved up and down.
constexpr float kUp[3] = {-1 + kDelta, kDelta, 1 + kDelta};
constexpr float kDown[3] = {-1 - kDelta, -kDelta, 1 - kDelta};

// The best split so far, by lane.
struct Split {
    Float score;
    Float scale;
    Int first;   // values below this rank are on the lowest level; -1: no split has an error
    Int second;  // values from this rank on are on the highest
    Int choice;  // which levels

    HWY_INLINE explicit Split(Float initial_scale)
        : score(hn::Set(Lanes(), -FLT_MAX)),
          scale(initial_scale),
          first(hn::Set(IntLanes(), -1)),
          second(hn::Set(IntLanes(), -1)),
          choice(hn::Zero(IntLanes())) {}

    // A superset of the lanes in which offer() takes the split.
    HWY_INLINE LaneMask might_take(Float sumqx, Float sumq2) const {
        return hn::Gt(hn::Mul(sumqx, sumqx), hn::Mul(score, sumq2));
    }

    HWY_INLINE void offer(Float sumqx, Float sumq2, size_t i1, size_t i2, int which) {
        const IntLanes di;
        const auto better = hn::And(hn::Gt(sumq2, hn::Zero(Lanes())), might_take(sumqx, sumq2));
        const auto fit = hn::Div(sumqx, sumq2);
        scale = hn::IfThenElse(better, fit, scale);
        score = hn::IfThenElse(better, hn::Mul(fit, sumqx), score);
        const auto chosen = hn::RebindMask(di, better);
        first = hn::IfThenElse(chosen, hn::Set(di, static_cast<int32_t>(i1)), first);
        second = hn::IfThenElse(chosen, hn::Set(di, static_cast<int32_t>(i2)), second);
        choice = hn::IfThenElse(chosen, hn::Set(di, which), choice);
    }
};

HWY_INLINE Float times(Float v, float factor) {
    return hn::Mul(v, hn::Set(Lanes(), factor));
}
HWY_INLINE Float times_square(Float v, float factor) {
    return times(times(v, factor), factor);
}

// Running sums of `values`, kSize + 1 of them at a stride of kColumns.
template <size_t kSize>
HWY_INLINE void prefix_sums(const float* HWY_RESTRICT values, float* HWY_RESTRICT sums) {
    const Lanes d;
    auto sum = hn::Zero(d);
    hn::Store(sum, d, sums);
    for (size_t j = 0; j < kSize; ++j) {
        sum = hn::Add(sum, hn::Load(d, values + j * kColumns));
        hn::Store(sum, d, sums + (j + 1) * kColumns);
    }
}

// IQ1_S: the sub-block has one move. `wx` and `w` are in ascending order of the values; choice 1 is
// up, -1 down.
template <size_t kSize>
class WholeSplits {
  public:
    HWY_INLINE WholeSplits(const float* HWY_RESTRICT wx, const float* HWY_RESTRICT w) {
        const Lanes d;
        prefix_sums<kSize>(wx, x_);
        prefix_sums<kSize>(w, w_);
        const auto total_x = hn::Load(d, x_ + kSize * kColumns);
        const auto total_w = hn::Load(d, w_ + kSize * kColumns);
        for (size_t at = 0; at <= kSize * kColumns; at += kColumns) {
            const auto rest_x = hn::Sub(total_x, hn::Load(d, x_ + at));
            const auto rest_w = hn::Sub(total_w, hn::Load(d, w_ + at));
            hn::Store(times(rest_x, kUp[2]), d, high_x_up_ + at);
            hn::Store(times(rest_x, kDown[2]), d, high_x_down_ + at);
            hn::Store(times_square(rest_w, kUp[2]), d, high_w_up_ + at);
            hn::Store(times_square(rest_w, kDown[2]), d, high_w_down_ + at);
        }
    }

    HWY_INLINE Split best(Float max) const {
        Split split(max);
        for (size_t i1 = 0; i1 <= kSize; ++i1) try_from(i1, &split);
        return split;
    }

  private:
    HWY_NOINLINE void try_from(size_t i1, Split* split) const {
        const Lanes d;
        const auto x1 = hn::Load(d, x_ + i1 * kColumns);
        const auto w1 = hn::Load(d, w_ + i1 * kColumns);
        const auto low_x_up = times(x1, kUp[0]);
        const auto low_x_down = times(x1, kDown[0]);
        const auto low_w_up = times_square(w1, kUp[0]);
        const auto low_w_down = times_square(w1, kDown[0]);
        for (size_t i2 = i1; i2 <= kSize; ++i2) {
            const size_t at = i2 * kColumns;
            // The middle level differs only in sign.
            const auto middle_x = times(hn::Sub(hn::Load(d, x_ + at), x1), kDelta);
            const auto middle_w = times_square(hn::Sub(hn::Load(d, w_ + at), w1), kDelta);
            const auto x_up = hn::Add(hn::Add(low_x_up, middle_x), hn::Load(d, high_x_up_ + at));
            const auto x_down =
                hn::Add(hn::Sub(low_x_down, middle_x), hn::Load(d, high_x_down_ + at));
            const auto w_up = hn::Add(hn::Add(low_w_up, middle_w), hn::Load(d, high_w_up_ + at));
            const auto w_down =
                hn::Add(hn::Add(low_w_down, middle_w), hn::Load(d, high_w_down_ + at));
            const auto any =
                hn::Or(split->might_take(x_up, w_up), split->might_take(x_down, w_down));
            if (HWY_LIKELY(hn::AllFalse(d, any))) continue;
            split->offer(x_up, w_up, i1, i2, 1);
            split->offer(x_down, w_down, i1, i2, -1);
        }
    }

    static constexpr size_t kSums = (kSize + 1) * kColumns;
    alignas(64) float x_[kSums];
    alignas(64) float w_[kSums];
    alignas(64) float high_x_up_[kSums];
    alignas(64) float high_x_down_[kSums];
    alignas(64) float high_w_up_[kSums];
    alignas(64) float high_w_down_[kSums];
};

// IQ1_M: each half of the sub-block has its own move. `wx[h]` and `w[h]` are in ascending order of
// the values of both halves, with zeros for the values of the other half. Bit 1 of choice: the
// first half is moved down; bit 0: the second.
template <size_t kSize>
class HalvedSplits {
  public:
    HWY_INLINE HalvedSplits(const float (*wx)[kSize * kColumns], const float (*w)[kSize * kColumns],
                            size_t column) {
        const Lanes d;
        for (size_t h = 0; h < 2; ++h) {
            prefix_sums<kSize>(wx[h] + column, x_[h]);
            prefix_sums<kSize>(w[h] + column, w_);
            total_x_[h] = hn::Load(d, x_[h] + kSize * kColumns);
            total_w_[h] = hn::Load(d, w_ + kSize * kColumns);
            for (size_t at = 0; at <= kSize * kColumns; at += kColumns) {
                const auto sum = hn::Load(d, w_ + at);
                hn::Store(times(sum, step(kUp, 0)), d, low_up_[h] + at);
                hn::Store(times(sum, step(kUp, 1)), d, high_up_[h] + at);
                hn::Store(times(sum, step(kDown, 0)), d, low_down_[h] + at);
                hn::Store(times(sum, step(kDown, 1)), d, high_down_[h] + at);
            }
        }
    }

    HWY_INLINE Split best(Float max) const {
        Split split(max);
        for (size_t i1 = 0; i1 <= kSize; ++i1) try_from(i1, &split);
        return split;
    }

  private:
    // What a value's weight gains by stepping from level i + 1 down to level i.
    static constexpr float step(const float* levels, size_t i) {
        return levels[i] * levels[i] - levels[i + 1] * levels[i + 1];
    }

    // Of one half and a first boundary.
    struct Half {
        Float x1;
        Float x_up;
        Float x_down;
        Float w_up;
        Float w_down;
    };

    HWY_INLINE Half half_from(size_t h, size_t i1) const {
        const Lanes d;
        const size_t at = i1 * kColumns;
        return {hn::Load(d, x_[h] + at), times(total_x_[h], kUp[2]), times(total_x_[h], kDown[2]),
                hn::Add(times_square(total_w_[h], kUp[2]), hn::Load(d, low_up_[h] + at)),
                hn::Add(times_square(total_w_[h], kDown[2]), hn::Load(d, low_down_[h] + at))};
    }

    HWY_NOINLINE void try_from(size_t i1, Split* split) const {
        const Lanes d;
        const Half a = half_from(0, i1);
        const Half b = half_from(1, i1);
        for (size_t i2 = i1; i2 <= kSize; ++i2) {
            const size_t at = i2 * kColumns;
            const auto ax = hn::Add(a.x1, hn::Load(d, x_[0] + at));
            const auto bx = hn::Add(b.x1, hn::Load(d, x_[1] + at));
            const auto ax_up = hn::Sub(a.x_up, ax);
            const auto ax_down = hn::Sub(a.x_down, ax);
            const auto bx_up = hn::Sub(b.x_up, bx);
            const auto bx_down = hn::Sub(b.x_down, bx);
            const auto aw_up = hn::Add(a.w_up, hn::Load(d, high_up_[0] + at));
            const auto aw_down = hn::Add(a.w_down, hn::Load(d, high_down_[0] + at));
            const auto bw_up = hn::Add(b.w_up, hn::Load(d, high_up_[1] + at));
            const auto bw_down = hn::Add(b.w_down, hn::Load(d, high_down_[1] + at));
            const Float x[4] = {hn::Add(ax_up, bx_up), hn::Add(ax_up, bx_down),
                                hn::Add(ax_down, bx_up), hn::Add(ax_down, bx_down)};
            const Float w[4] = {hn::Add(aw_up, bw_up), hn::Add(aw_up, bw_down),
                                hn::Add(aw_down, bw_up), hn::Add(aw_down, bw_down)};
            const auto any =
                hn::Or(hn::Or(split->might_take(x[0], w[0]), split->might_take(x[1], w[1])),
                       hn::Or(split->might_take(x[2], w[2]), split->might_take(x[3], w[3])));
            if (HWY_LIKELY(hn::AllFalse(d, any))) continue;
            for (int k = 0; k < 4; ++k) split->offer(x[k], w[k], i1, i2, k);
        }
    }

    static constexpr size_t kSums = (kSize + 1) * kColumns;
    alignas(64) float x_[2][kSums];
    alignas(64) float w_[kSums];
    alignas(64) float low_up_[2][kSums];
    alignas(64) float low_down_[2][kSums];
    alignas(64) float high_up_[2][kSums];
    alignas(64) float high_down_[2][kSums];
    Float total_x_[2];
    Float total_w_[2];
};

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
