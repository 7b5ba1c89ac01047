// The scale and minimum of a block of non-negative levels: make_qkx2_quants and make_qkx3_quants of
// ggml-quants.c, one block per lane.

// Included once per instruction set.
#if defined(BITGAUGE_QTYPE_SEARCH_AFFINE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_SEARCH_AFFINE_INL_H
#undef BITGAUGE_QTYPE_SEARCH_AFFINE_INL_H
#else
#define BITGAUGE_QTYPE_SEARCH_AFFINE_INL_H
#endif

#include "qtype/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// Trial k of 0..steps spreads the block's range over highest_level + first + k * delta levels.
struct AffineTrials {
    int highest_level;
    float first;
    float delta;
    int steps;
};
enum class Deviation { kSquare, kAbsolute };

// A block is x = scale * level - minimum; level = nearest_int(inverse * (x - offset)), clamped.
struct AffineFit {
    Vec scale;
    Vec minimum;
    Vec weight;  // sum of the weights
    Vec inverse;
    Vec offset;
    Mask exact;  // false: a value left the range in which the search is exact
};

template <Deviation kDeviation>
HWY_INLINE Vec deviation(Vec difference) {
    return kDeviation == Deviation::kAbsolute ? hn::Abs(difference)
                                              : hn::Mul(difference, difference);
}

// kPair blocks per lane at once, which hides the latency of the sums. Tiles of `x` and `weights`
// follow one another; `levels` is room for as much.
template <size_t kCount, size_t kPair, Deviation kDeviation>
class AffineSearch {
  public:
    AffineSearch(const AffineTrials& trials, const float* x, const float* weights, float* levels)
        : trials_(trials), x_(x), weights_(weights), levels_(levels) {}

    HWY_INLINE void run(AffineFit* fits) {
        measure();
        start();
        for (int trial = 0; trial <= trials_.steps; ++trial) {
            aim(trial);
            sum_levels();
            solve();
            sum_deviations();
            keep_better();
        }
        for (size_t p = 0; p < kPair; ++p) {
            fits[p] = {.scale = hn::IfThenZeroElse(flat_[p], scale_[p]),
                       .minimum = hn::Neg(minimum_[p]),
                       .weight = sum_w_[p],
                       .inverse = hn::IfThenZeroElse(flat_[p], best_inverse_[p]),
                       .offset = best_offset_[p],
                       .exact = hn::Or(exact_[p], flat_[p])};
        }
    }

  private:
    static constexpr size_t kTile = kCount * kLanes;

    // Extremes and weighted sums.
    HWY_INLINE void measure() {
        for (size_t p = 0; p < kPair; ++p) {
            const Vec x0 = load(x_ + p * kTile);
            lowest_[p] = x0;
            highest_[p] = x0;
            sum_w_[p] = load(weights_ + p * kTile);
            sum_x_[p] = hn::Mul(sum_w_[p], x0);
        }
        for (size_t i = 1; i < kCount; ++i) {
            for (size_t p = 0; p < kPair; ++p) {
                const Vec x = load(x_ + p * kTile + i * kLanes);
                const Vec w = load(weights_ + p * kTile + i * kLanes);
                lowest_[p] = choose(hn::Lt(x, lowest_[p]), x, lowest_[p]);
                highest_[p] = choose(hn::Gt(x, highest_[p]), x, highest_[p]);
                sum_w_[p] = hn::Add(sum_w_[p], w);
                sum_x_[p] = hn::Add(sum_x_[p], hn::Mul(w, x));
            }
        }
    }

    // The plain range is the first fit.
    HWY_INLINE void start() {
        const Vec zero = hn::Zero(Floats());
        const Vec top = set(static_cast<float>(trials_.highest_level));
        for (size_t p = 0; p < kPair; ++p) {
            minimum_[p] = choose(hn::Gt(lowest_[p], zero), zero, lowest_[p]);
            flat_[p] = hn::Le(highest_[p], minimum_[p]);
            inverse_[p] = hn::Div(top, hn::Sub(highest_[p], minimum_[p]));
            scale_[p] = hn::Div(set(1.0F), inverse_[p]);
            best_inverse_[p] = inverse_[p];
            best_offset_[p] = minimum_[p];
            trial_scale_[p] = scale_[p];
            trial_minimum_[p] = minimum_[p];
            exact_[p] = in_range(p);
        }
        sum_levels();
        sum_deviations();
        for (size_t p = 0; p < kPair; ++p) best_[p] = deviations_[p];
    }

    HWY_INLINE void aim(int trial) {
        const float levels = trials_.first + trials_.delta * static_cast<float>(trial) +
                             static_cast<float>(trials_.highest_level);
        for (size_t p = 0; p < kPair; ++p) {
            inverse_[p] = hn::Div(set(levels), hn::Sub(highest_[p], minimum_[p]));
            exact_[p] = hn::And(exact_[p], in_range(p));
        }
    }

    // Rounding is monotone, so both ends of the block tell for all of it.
    HWY_INLINE Mask in_range(size_t p) const {
        const Vec low = hn::Mul(inverse_[p], hn::Sub(lowest_[p], minimum_[p]));
        const Vec high = hn::Mul(inverse_[p], hn::Sub(highest_[p], minimum_[p]));
        return hn::And(rounds(low), rounds(high));
    }

    // Rounds to levels and sums w * l, w * l^2, w * l * x.
    HWY_INLINE void sum_levels() {
        const Vec magic = set(kMagic);
        const Vec top = set(kMagic + static_cast<float>(trials_.highest_level));
        Vec sum_l[kPair];
        Vec sum_l2[kPair];
        Vec sum_xl[kPair];
        for (size_t p = 0; p < kPair; ++p) {
            sum_l[p] = sum_l2[p] = sum_xl[p] = hn::Zero(Floats());
        }
        for (size_t i = 0; i < kCount; ++i) {
            for (size_t p = 0; p < kPair; ++p) {
                const size_t at = p * kTile + i * kLanes;
                const Vec x = load(x_ + at);
                const Vec v = hn::Mul(inverse_[p], hn::Sub(x, minimum_[p]));
                const Vec rounded = hn::Min(hn::Max(hn::Add(v, magic), magic), top);
                const Vec level = hn::Sub(rounded, magic);
                store(level, levels_ + at);
                const Vec wl = hn::Mul(load(weights_ + at), level);
                sum_l[p] = hn::Add(sum_l[p], wl);
                sum_l2[p] = hn::Add(sum_l2[p], hn::Mul(wl, level));
                sum_xl[p] = hn::Add(sum_xl[p], hn::Mul(wl, x));
            }
        }
        for (size_t p = 0; p < kPair; ++p) {
            sum_l_[p] = sum_l[p];
            sum_l2_[p] = sum_l2[p];
            sum_xl_[p] = sum_xl[p];
        }
    }

    // Weighted least squares for the levels of the trial, minimum at most zero.
    HWY_INLINE void solve() {
        const Vec zero = hn::Zero(Floats());
        for (size_t p = 0; p < kPair; ++p) {
            const Vec determinant =
                hn::Sub(hn::Mul(sum_w_[p], sum_l2_[p]), hn::Mul(sum_l_[p], sum_l_[p]));
            const Vec scale =
                hn::Div(hn::Sub(hn::Mul(sum_w_[p], sum_xl_[p]), hn::Mul(sum_x_[p], sum_l_[p])),
                        determinant);
            const Vec minimum =
                hn::Div(hn::Sub(hn::Mul(sum_l2_[p], sum_x_[p]), hn::Mul(sum_l_[p], sum_xl_[p])),
                        determinant);
            const Mask positive = hn::Gt(minimum, zero);
            solvable_[p] = hn::Gt(determinant, zero);
            trial_minimum_[p] = hn::IfThenZeroElse(positive, minimum);
            trial_scale_[p] = scale;
            if (any(positive)) {
                trial_scale_[p] = choose(positive, hn::Div(sum_xl_[p], sum_l2_[p]), scale);
            }
        }
    }

    HWY_INLINE void sum_deviations() {
        Vec total[kPair];
        Vec scale[kPair];
        Vec minimum[kPair];
        for (size_t p = 0; p < kPair; ++p) {
            total[p] = hn::Zero(Floats());
            scale[p] = trial_scale_[p];
            minimum[p] = trial_minimum_[p];
        }
        for (size_t i = 0; i < kCount; ++i) {
            for (size_t p = 0; p < kPair; ++p) {
                const size_t at = p * kTile + i * kLanes;
                const Vec fit = hn::Add(hn::Mul(scale[p], load(levels_ + at)), minimum[p]);
                const Vec off = deviation<kDeviation>(hn::Sub(fit, load(x_ + at)));
                total[p] = hn::Add(total[p], hn::Mul(load(weights_ + at), off));
            }
        }
        for (size_t p = 0; p < kPair; ++p) deviations_[p] = total[p];
    }

    HWY_INLINE void keep_better() {
        for (size_t p = 0; p < kPair; ++p) {
            Mask better = hn::And(solvable_[p], hn::Lt(deviations_[p], best_[p]));
            better = hn::AndNot(flat_[p], better);
            best_[p] = choose(better, deviations_[p], best_[p]);
            scale_[p] = choose(better, trial_scale_[p], scale_[p]);
            best_inverse_[p] = choose(better, inverse_[p], best_inverse_[p]);
            best_offset_[p] = choose(better, minimum_[p], best_offset_[p]);
            minimum_[p] = choose(better, trial_minimum_[p], minimum_[p]);
        }
    }

    AffineTrials trials_;
    const float* HWY_RESTRICT x_;
    const float* HWY_RESTRICT weights_;
    float* HWY_RESTRICT levels_;
    Vec lowest_[kPair], highest_[kPair], sum_w_[kPair], sum_x_[kPair];
    Vec minimum_[kPair], scale_[kPair], best_[kPair], best_inverse_[kPair], best_offset_[kPair];
    Vec inverse_[kPair], sum_l_[kPair], sum_l2_[kPair], sum_xl_[kPair];
    Vec trial_scale_[kPair], trial_minimum_[kPair], deviations_[kPair];
    Mask flat_[kPair], exact_[kPair], solvable_[kPair];
};

// Out of line: formats share it, and its state stays in registers.
template <size_t kCount, size_t kPair, Deviation kDeviation>
HWY_NOINLINE void search_affine(const AffineTrials& trials, const float* x, const float* weights,
                                float* levels, AffineFit* fits) {
    AffineSearch<kCount, kPair, kDeviation> search(trials, x, weights, levels);
    search.run(fits);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
