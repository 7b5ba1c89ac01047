// The scale of a block whose sixteen levels are a table, not equidistant: the search of
// quantize_row_iq4_nl_impl of ggml-quants.c, one block per lane.

// Included once per instruction set.
#if defined(BITGAUGE_QTYPE_SEARCH_LEVELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_SEARCH_LEVELS_INL_H
#undef BITGAUGE_QTYPE_SEARCH_LEVELS_INL_H
#else
#define BITGAUGE_QTYPE_SEARCH_LEVELS_INL_H
#endif

#include "qtype/search_symmetric-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// kvalues_iq4nl of ggml-common.h.
constexpr float kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                               1,    13,   25,  38,  53,  69,  89,  113};
// Level k is the nearest from kBounds[k - 1] up to kBounds[k]. Near a bound both differences that
// best_index_int8 compares are exact, so comparing with the bound decides as it does.
constexpr float kBounds[15] = {-115.5F, -93.5F, -74.0F, -57.0F, -42.0F, -28.5F, -16.0F, -4.5F,
                               7.0F,    19.0F,  31.5F,  45.5F,  61.0F,  79.0F,  101.0F};

// The number of the nearest level.
HWY_INLINE IntVec level_index(Vec v) {
    const Ints d;
    IntVec index = hn::Zero(d);
    for (const float bound : kBounds) {
        const auto reached = hn::VecFromMask(d, hn::RebindMask(d, hn::Ge(v, set(bound))));
        index = hn::Sub(index, reached);
    }
    return index;
}

// The nearest level itself. Four or fewer lanes: bound after bound; else a search by halves, in
// tables that a permutation of eight lanes holds.
class NearestLevel {
  public:
#if HWY_TARGET == HWY_SCALAR || HWY_MAX_BYTES < 32
    HWY_INLINE Vec operator()(Vec v) const {
        Vec level = set(kLevels[0]);
        for (size_t i = 0; i < 15; ++i) {
            level = choose(hn::Ge(v, set(kBounds[i])), set(kLevels[i + 1]), level);
        }
        return level;
    }
#else
    HWY_INLINE NearestLevel()
        : quarters_(table(kQuarters)),
          eighths_(table(kEighths)),
          even_(table(kEven)),
          odd_(table(kOdd)) {}

    HWY_INLINE Vec operator()(Vec v) const {
        const Ints d;
        const Mask upper = hn::Ge(v, set(kBounds[7]));
        const Mask second = hn::Ge(v, choose(upper, set(kBounds[11]), set(kBounds[3])));
        const IntVec quarter = hn::Or(bit(upper, 4), bit(second, 2));
        const Mask third = hn::Ge(v, look_up(quarters_, quarter));
        const IntVec eighth = hn::Or(quarter, bit(third, 1));
        const Mask last = hn::Ge(v, look_up(eighths_, eighth));
        return choose(last, look_up(odd_, eighth), look_up(even_, eighth));
    }

  private:
    // Bounds by 2 * quarter and by eighth, levels by eighth.
    static constexpr float kQuarters[8] = {kBounds[1], 0, kBounds[5],  0,
                                           kBounds[9], 0, kBounds[13], 0};
    static constexpr float kEighths[8] = {kBounds[0], kBounds[2],  kBounds[4],  kBounds[6],
                                          kBounds[8], kBounds[10], kBounds[12], kBounds[14]};
    static constexpr float kEven[8] = {-127, -83, -49, -22, 1, 25, 53, 89};
    static constexpr float kOdd[8] = {-104, -65, -35, -10, 13, 38, 69, 113};

    static HWY_INLINE Vec table(const float* eight) {
        HWY_ALIGN float lanes[kLanes];
        for (size_t i = 0; i < kLanes; ++i) lanes[i] = eight[i % 8];
        return load(lanes);
    }
    static HWY_INLINE IntVec bit(Mask mask, int value) {
        const Ints d;
        return hn::And(hn::VecFromMask(d, hn::RebindMask(d, mask)), hn::Set(d, value));
    }
    static HWY_INLINE Vec look_up(Vec from, IntVec index) {
        return hn::TableLookupLanes(from, hn::IndicesFromVec(Floats(), index));
    }

    Vec quarters_, eighths_, even_, odd_;
#endif
};

struct LevelsFit {
    Vec scale;
    Mask exact;
};

// kPair blocks per lane at once, tiles following one another; zero blocks have scale 0.
template <size_t kCount, size_t kPair>
class LevelsSearch {
  public:
    LevelsSearch(const float* x, const float* weights) : x_(x), weights_(weights) {}

    HWY_INLINE void run(LevelsFit* fits) {
        start();
        for (int trial = -7; trial <= 7; ++trial) {
            for (size_t p = 0; p < kPair; ++p) {
                const float level = static_cast<float>(trial) + kLevels[0];
                inverse_[p] = hn::Div(set(level), extreme_[p].value);
            }
            sum_levels();
            keep_better();
        }
        for (size_t p = 0; p < kPair; ++p) {
            const Mask zero = hn::Lt(extreme_[p].magnitude, set(kSmallestMaximum));
            const Vec scale = hn::IfThenZeroElse(zero, scale_[p]);
            fits[p] = {.scale = scale, .exact = hn::And(extreme_[p].finite, is_finite(scale))};
        }
    }

  private:
    static constexpr size_t kTile = kCount * kLanes;

    HWY_INLINE void start() {
        for (size_t p = 0; p < kPair; ++p) {
            extreme_[p] = extreme_of<kCount>(x_ + p * kTile);
            const Vec scale = hn::Div(hn::Neg(extreme_[p].value), set(kLevels[0]));
            inverse_[p] = hn::Div(set(1.0F), scale);
        }
        sum_levels();
        for (size_t p = 0; p < kPair; ++p) {
            const Mask some = hn::Gt(sum_q2_[p], hn::Zero(Floats()));
            scale_[p] = hn::IfThenElseZero(some, hn::Div(sum_xq_[p], sum_q2_[p]));
            best_[p] = hn::Mul(scale_[p], sum_xq_[p]);
        }
    }

    // Sums w * q * x and w * q^2.
    HWY_INLINE void sum_levels() {
        Vec sum_xq[kPair];
        Vec sum_q2[kPair];
        for (size_t p = 0; p < kPair; ++p) sum_xq[p] = sum_q2[p] = hn::Zero(Floats());
        for (size_t i = 0; i < kCount; ++i) {
            for (size_t p = 0; p < kPair; ++p) {
                const size_t at = p * kTile + i * kLanes;
                const Vec x = load(x_ + at);
                const Vec q = nearest_(hn::Mul(inverse_[p], x));
                const Vec wq = hn::Mul(load(weights_ + at), q);
                sum_xq[p] = hn::Add(sum_xq[p], hn::Mul(wq, x));
                sum_q2[p] = hn::Add(sum_q2[p], hn::Mul(wq, q));
            }
        }
        for (size_t p = 0; p < kPair; ++p) {
            sum_xq_[p] = sum_xq[p];
            sum_q2_[p] = sum_q2[p];
        }
    }

    HWY_INLINE void keep_better() {
        for (size_t p = 0; p < kPair; ++p) {
            const Mask better =
                hn::And(hn::Gt(sum_q2_[p], hn::Zero(Floats())),
                        hn::Gt(hn::Mul(sum_xq_[p], sum_xq_[p]), hn::Mul(best_[p], sum_q2_[p])));
            const Vec scale = hn::Div(sum_xq_[p], sum_q2_[p]);
            scale_[p] = choose(better, scale, scale_[p]);
            best_[p] = choose(better, hn::Mul(scale, sum_xq_[p]), best_[p]);
        }
    }

    NearestLevel nearest_;
    const float* HWY_RESTRICT x_;
    const float* HWY_RESTRICT weights_;
    Extreme extreme_[kPair];
    Vec inverse_[kPair], scale_[kPair], best_[kPair], sum_xq_[kPair], sum_q2_[kPair];
};

// Out of line: formats share it, and its state stays in registers.
template <size_t kCount, size_t kPair>
HWY_NOINLINE void search_levels(const float* x, const float* weights, LevelsFit* fits) {
    LevelsSearch<kCount, kPair> search(x, weights);
    search.run(fits);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
