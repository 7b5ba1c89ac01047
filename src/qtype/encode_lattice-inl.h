// The search for scale and grid points that IQ2 and IQ3 share.
//
// Reproduces quantize_row_{iq2_xxs,iq2_xs,iq2_s,iq3_xxs,iq3_s}_impl of ggml-quants.c, bit for bit:
// a lane holds one sub-block of 16 or 32 weights and goes through the reference's operations in the
// reference's order. Only the search among neighbours runs across candidates (nearest_grid-inl.h).
// Must be compiled without contraction of products and sums.

// Included once per target (Highway's way).
#if defined(BITGAUGE_QTYPE_ENCODE_LATTICE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_ENCODE_LATTICE_INL_H_
#undef BITGAUGE_QTYPE_ENCODE_LATTICE_INL_H_
#else
#define BITGAUGE_QTYPE_ENCODE_LATTICE_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "qtype/columns-inl.h"
#include "qtype/encode_iq.h"
#include "qtype/lattice.h"
#include "qtype/nearest_grid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sub-blocks on their way. "Rows" arrays are [column][i], all others in columns.
template <class T>
struct Batch {
    static constexpr size_t kGroups = T::kSub / T::kDims;
    static constexpr size_t kValues = T::kSub * kColumns;
    static constexpr size_t kCodes = kGroups * kColumns;
    static constexpr size_t kTrials = 2 * T::kTrialReach + 1;
    static_assert(kTrials <= 32);
    alignas(64) float x[kValues];   // |weight|, but for flips of parity
    alignas(64) float w[kValues];   // its weight in the error
    alignas(64) float wx[kValues];  // product of the two
    alignas(64) float row_x[kValues];
    alignas(64) float row_w[kValues];
    alignas(64) float row_a[kValues];  // root of w
    alignas(64) float unit[kColumns];  // divisor of the trial scales
    alignas(64) float scale[kColumns];
    alignas(64) float best[kColumns];
    alignas(64) int32_t code[kCodes];
    alignas(64) int32_t off_grid[kColumns];  // bit per group, of `code`
    alignas(64) int32_t active[kColumns];    // -1: has a scale; 0: all weights count as zero
    alignas(64) float trial_scale[kTrials][kColumns];
    alignas(64) int32_t trial_code[kTrials][kCodes];
    alignas(64) int32_t changed[kCodes];         // bit per trial: another point than before
    alignas(64) int32_t trial_off_grid[kCodes];  // bit per trial
    uint8_t signs[kColumns][T::kSub / 8];
    bool tame = false;    // of usual size: see start_search()
    bool failed = false;  // ggml would have stopped the process
};

template <class T>
HWY_INLINE LaneMask active_lanes(const Batch<T>& b, size_t c) {
    return hn::RebindMask(Lanes(),
                          hn::Ne(hn::Load(IntLanes(), b.active + c), hn::Zero(IntLanes())));
}

// ---- one sub-block from the row

// Weight of each value in the error.
template <class T>
HWY_INLINE StepFloat error_weight(StepFloat x, const float* importance, float sigma2) {
    const StepFloats d;
    const auto square = hn::Mul(x, x);
    if (importance != nullptr) {
        const auto root = hn::Sqrt(hn::Add(hn::Set(d, sigma2), square));
        return hn::Mul(hn::LoadU(d, importance), root);
    }
    return T::kPlainSigma ? hn::Add(hn::Set(d, 0.25F * sigma2), square) : square;
}

// Signs come in an even number per group of 8 where only 7 bits are kept: the value that matters
// least is flipped.
HWY_INLINE uint8_t make_parity_even(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w,
                                    uint8_t signs, float* HWY_RESTRICT magnitudes) {
    if (std::popcount(signs) % 2 == 0) return signs;
    size_t least = 0;
    float least_error = w[0] * x[0] * x[0];
    for (size_t i = 1; i < 8; ++i) {
        const float error = w[i] * x[i] * x[i];
        if (error < least_error) {
            least_error = error;
            least = i;
        }
    }
    magnitudes[least] = -magnitudes[least];
    return static_cast<uint8_t>(signs ^ (1U << least));
}

template <class T>
HWY_INLINE void take_sub_block(const SubBlock& from, size_t column, Batch<T>* b) {
    const float* HWY_RESTRICT x = from.x;
    const StepFloats d;
    float* xs = b->row_x + column * T::kSub;
    float* ws = b->row_w + column * T::kSub;
    float* as = b->row_a + column * T::kSub;
    for (size_t g = 0; g < T::kSub / 8; ++g) {
        uint32_t signs = 0;
        for (size_t i = 0; i < 8; i += hn::Lanes(d)) {
            const size_t at = 8 * g + i;
            const auto value = hn::LoadU(d, x + at);
            const auto w = error_weight<T>(value, from.importance ? from.importance + at : nullptr,
                                           from.sigma2);
            const auto positive = hn::Ge(value, hn::Zero(d));
            hn::Store(w, d, ws + at);
            hn::Store(hn::Sqrt(w), d, as + at);
            hn::Store(hn::IfThenElse(positive, value, hn::Neg(value)), d, xs + at);
            uint8_t bits[8] = {};
            hn::StoreMaskBits(d, hn::Not(positive), bits);
            signs |= uint32_t{bits[0]} << i;
        }
        b->signs[column][g] = static_cast<uint8_t>(signs);
        if (T::kEvenSigns) {
            b->signs[column][g] =
                make_parity_even(x + 8 * g, ws + 8 * g, static_cast<uint8_t>(signs), xs + 8 * g) &
                127;
        }
    }
}

template <class T>
HWY_INLINE void clear_sub_block(size_t column, Batch<T>* b) {
    std::fill_n(b->row_x + column * T::kSub, T::kSub, 0.0F);
    std::fill_n(b->row_w + column * T::kSub, T::kSub, 0.0F);
    std::fill_n(b->row_a + column * T::kSub, T::kSub, 0.0F);
}

template <class T>
HWY_INLINE void turn_rows_to_columns(Batch<T>* b) {
    rows_to_columns(b->row_x, T::kSub, b->x);
    rows_to_columns(b->row_w, T::kSub, b->w);
    const Lanes d;
    for (size_t at = 0; at < T::kSub * kColumns; at += hn::Lanes(d)) {
        hn::Store(hn::Mul(hn::Load(d, b->w + at), hn::Load(d, b->x + at)), d, b->wx + at);
    }
}

// ---- the search

struct TrialStart {
    Float unit;   // what the trial scales divide
    Float scale;  // taken when no trial is better than nothing
};

// Sub-blocks in which no product of the search overflows or loses bits below the normal numbers, and
// no trial rounds to integers beyond +-2^22.
template <class T>
HWY_INLINE LaneMask usual_size(const Batch<T>& b, size_t c, Float unit, Float max) {
    const Lanes d;
    const auto limit = hn::Mul(unit, hn::Set(d, 1e4F));
    const auto heavy = hn::Set(d, 1e30F);
    auto usual = hn::And(hn::Gt(unit, hn::Set(d, 1e-15F)), hn::Lt(max, hn::Set(d, 1e6F)));
    for (size_t i = 0; i < T::kSub; ++i) {
        const auto x = hn::Load(d, b.x + i * kColumns + c);
        const auto w = hn::Load(d, b.w + i * kColumns + c);
        usual = hn::And(usual, hn::Lt(hn::Abs(x), limit));
        usual = hn::And(usual, hn::And(hn::Ge(w, hn::Zero(d)), hn::Lt(w, heavy)));
    }
    return usual;
}

// Which sub-blocks have a scale at all, and from where their trials start.
template <class T>
HWY_INLINE void start_search(Batch<T>* b) {
    const Lanes d;
    b->tame = true;
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        auto max = hn::Load(d, b->x + c);
        for (size_t i = 1; i < T::kSub; ++i) {
            const auto x = hn::Load(d, b->x + i * kColumns + c);
            max = hn::IfThenElse(hn::Gt(max, x), max, x);
        }
        auto active = hn::Not(T::zero_sub_block(max));
        const TrialStart start = T::trial_start(*b, c, max);
        if (T::kUnitMayVanish) {
            active = hn::And(active, hn::Not(hn::Le(start.unit, hn::Zero(d))));
        }
        const auto usual = usual_size(*b, c, start.unit, max);
        b->tame = b->tame && hn::AllTrue(d, hn::Or(usual, hn::Not(active)));
        const auto all = hn::VecFromMask(IntLanes(), hn::RebindMask(IntLanes(), active));
        hn::Store(all, IntLanes(), b->active + c);
        hn::Store(start.unit, d, b->unit + c);
        hn::Store(start.scale, d, b->scale + c);
        hn::Store(hn::Zero(d), d, b->best + c);
        hn::Store(hn::Set(IntLanes(), T::kFirstOffGrid), IntLanes(), b->off_grid + c);
    }
    std::fill_n(b->code, Batch<T>::kCodes, 0);
}

// The point nearest to inverse * x without regard to the grid. `kTame`: the values stay where
// rounding by adding 1.5 * 2^23 leaves the integer in the lowest bits.
template <class T, bool kTame>
HWY_INLINE Int rounded_point(const Float* x, Float inverse) {
    const Lanes d;
    const IntLanes di;
    constexpr int32_t kTop = T::kLevels - 1;
    auto code = hn::Zero(di);
    for (size_t i = 0; i < T::kDims; ++i) {
        const auto moved = hn::Sub(hn::Mul(inverse, x[i]), hn::Set(d, 1.0F));
        const auto value = hn::Mul(hn::Set(d, 0.5F), moved);
        auto level = hn::Zero(di);
        if (kTame) {
            const auto top = hn::Set(d, static_cast<float>(kTop));
            const auto inside = hn::Min(hn::Max(value, hn::Zero(d)), top);
            const auto shifted = hn::Add(inside, hn::Set(d, 12582912.0F));
            level = hn::Sub(hn::BitCast(di, shifted), hn::Set(di, 0x4B400000));
        } else {
            level = hn::Max(hn::Min(nearest_int(value), hn::Set(di, kTop)), hn::Zero(di));
        }
        code = hn::Or(code, hn::ShiftLeftSame(level, static_cast<int>(i * T::kLevelBits)));
    }
    return code;
}

template <class T>
HWY_INLINE void load_group(const Batch<T>& b, size_t group, size_t c, Float* x) {
    for (size_t i = 0; i < T::kDims; ++i) {
        x[i] = hn::Load(Lanes(), b.x + (group * T::kDims + i) * kColumns + c);
    }
}

// Rounds all groups in all trials.
template <class T, bool kTame>
HWY_INLINE void round_trials(size_t c, Batch<T>* b) {
    const Lanes d;
    const IntLanes di;
    Float inverse[Batch<T>::kTrials];
    for (size_t t = 0; t < Batch<T>::kTrials; ++t) {
        const float step = static_cast<float>(static_cast<int>(t) - T::kTrialReach) * T::kTrialStep;
        const auto levels = hn::Set(d, (2 * T::kLevels - 1) + step);
        inverse[t] = hn::Div(levels, hn::Load(d, b->unit + c));
        hn::Store(hn::Div(hn::Set(d, 1.0F), inverse[t]), d, b->trial_scale[t] + c);
    }
    for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
        const size_t at = g * kColumns + c;
        Float x[T::kDims];
        load_group(*b, g, c, x);
        auto before = hn::Set(di, -1);
        auto changed = hn::Zero(di);
        for (size_t t = 0; t < Batch<T>::kTrials; ++t) {
            const auto code = rounded_point<T, kTame>(x, inverse[t]);
            const auto bit = hn::Set(di, static_cast<int32_t>(1U << t));
            changed = hn::Or(changed, hn::IfThenElseZero(hn::Ne(code, before), bit));
            hn::Store(code, di, b->trial_code[t] + at);
            before = code;
        }
        hn::Store(changed, di, b->changed + at);
    }
}

// One group of one sub-block, as it is moved onto the grid.
template <class T>
class GroupSnap {
  public:
    HWY_INLINE GroupSnap(const Lattice& lattice, size_t column, size_t group, Batch<T>* b)
        : lattice_(lattice),
          b_(*b),
          x_(b->row_x + column * T::kSub + group * T::kDims),
          a_(b->row_a + column * T::kSub + group * T::kDims),
          column_(column),
          at_(group * kColumns + column) {}

    // In all trials; a bit for each in which the point was not on the grid.
    HWY_INLINE uint32_t snap_trials() {
        const auto changed = static_cast<uint32_t>(b_.changed[at_]);
        uint32_t off_grid = 0;
        size_t end = 0;
        for (size_t start = 0; start < kTrials; start = end) {
            const uint32_t later = static_cast<uint32_t>(uint64_t{changed} >> (start + 1));
            end = later == 0 ? kTrials : start + 1 + static_cast<size_t>(std::countr_zero(later));
            list_ = lattice_.neighbours(static_cast<uint32_t>(b_.trial_code[start][at_]));
            if (list_.steps == 0) continue;
            off_grid |= static_cast<uint32_t>((uint64_t{1} << end) - (uint64_t{1} << start));
            snap_run(start, end - 1);
        }
        return off_grid;
    }

    // With any numbers, as the reference does it.
    HWY_INLINE uint32_t snap(uint32_t code, float scale) {
        const Lattice::Neighbours list = lattice_.neighbours(code);
        if (list.steps == 0) return code;
        const Terms terms(x_, a_, scale);
        const uint32_t found = first_nearest(terms, lattice_.candidates(list.first_step), list.steps);
        if (HWY_UNLIKELY(found == kNoGridPoint)) b_.failed = true;
        return found & 0xFFFF;
    }

  private:
    using Terms = typename T::Terms;
    static constexpr size_t kTrials = Batch<T>::kTrials;

    // Trials first..last, which have the same point and so the same candidates.
    HWY_INLINE void snap_run(size_t first, size_t last) {
        if (HWY_UNLIKELY(!b_.tame)) {
            for (size_t t = first; t <= last; ++t) {
                const auto code = static_cast<uint32_t>(b_.trial_code[t][at_]);
                b_.trial_code[t][at_] = static_cast<int32_t>(snap(code, b_.trial_scale[t][column_]));
            }
            return;
        }
        const Nearest low = snap_trial(first);
        if (last > first) fill_between(first, last, low, snap_trial(last));
    }

    // The difference of two candidates' distances, divided by the scale, is linear in the scale:
    // a candidate that is nearest by a margin at both ends is nearest in between.
    void fill_between(size_t first, size_t last, Nearest low, Nearest high) {
        if (last - first < 2) return;
        if (low.code == high.code && low.clear && high.clear) {
            for (size_t t = first + 1; t < last; ++t) {
                b_.trial_code[t][at_] = static_cast<int32_t>(low.code);
            }
            return;
        }
        const size_t middle = (first + last) / 2;
        const Nearest between = snap_trial(middle);
        fill_between(first, middle, low, between);
        fill_between(middle, last, between, high);
    }

    HWY_INLINE Nearest snap_trial(size_t t) {
        const float scale = b_.trial_scale[t][column_];
        const float top = scale * (2 * T::kLevels - 1);
        const Terms terms(x_, a_, scale);
        const Nearest found = nearest_of(terms, lattice_.candidates(list_.first_step), list_.steps,
                                         top * top * sum_of_a());
        b_.trial_code[t][at_] = static_cast<int32_t>(found.code);
        return found;
    }

    HWY_INLINE float sum_of_a() const {
        float sum = 0;
        for (size_t i = 0; i < T::kDims; ++i) sum += a_[i];
        return sum;
    }

    const Lattice& lattice_;
    Batch<T>& b_;
    const float* HWY_RESTRICT x_;
    const float* HWY_RESTRICT a_;
    size_t column_;
    size_t at_;
    Lattice::Neighbours list_{};
};

struct Fit {
    Float sumqx;
    Float sumq2;
};

template <class T>
HWY_INLINE Float value_of_level(Int code, int shift) {
    const auto level = hn::And(hn::ShiftRightSame(code, shift), hn::Set(IntLanes(), T::kLevelMask));
    const auto odd = hn::Add(hn::Add(level, level), hn::Set(IntLanes(), 1));
    return hn::ConvertTo(Lanes(), odd);
}

// Sums of w * x * q and w * q * q.
template <class T>
HWY_INLINE Fit fit_of(const Batch<T>& b, const int32_t* HWY_RESTRICT codes, size_t c) {
    const Lanes d;
    auto sumqx = hn::Zero(d);
    auto sumq2 = hn::Zero(d);
    for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
        const auto code = hn::Load(IntLanes(), codes + g * kColumns + c);
        for (size_t i = 0; i < T::kDims; ++i) {
            const size_t at = (g * T::kDims + i) * kColumns + c;
            const auto q = value_of_level<T>(code, static_cast<int>(i * T::kLevelBits));
            sumqx = hn::Add(sumqx, hn::Mul(hn::Load(d, b.wx + at), q));
            sumq2 = hn::Add(sumq2, hn::Mul(hn::Mul(hn::Load(d, b.w + at), q), q));
        }
    }
    return {sumqx, sumq2};
}

// Takes trial `t` in the lanes where it is better than what they have.
template <class T>
HWY_INLINE void keep_better(size_t t, size_t c, Batch<T>* b) {
    const Lanes d;
    const IntLanes di;
    const Fit fit = fit_of(*b, b->trial_code[t], c);
    const auto best = hn::Load(d, b->best + c);
    const auto square = hn::Mul(fit.sumqx, fit.sumqx);
    auto better = hn::And(hn::Gt(fit.sumq2, hn::Zero(d)), hn::Gt(square, hn::Mul(best, fit.sumq2)));
    better = hn::And(better, active_lanes(*b, c));
    if (hn::AllFalse(d, better)) return;
    const auto scale = hn::Div(fit.sumqx, fit.sumq2);
    hn::BlendedStore(scale, better, d, b->scale + c);
    hn::BlendedStore(hn::Mul(scale, fit.sumqx), better, d, b->best + c);
    const auto better_int = hn::RebindMask(di, better);
    auto off_grid = hn::Zero(di);
    for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
        const size_t at = g * kColumns + c;
        hn::BlendedStore(hn::Load(di, b->trial_code[t] + at), better_int, di, b->code + at);
        const auto trials = hn::ShiftRightSame(hn::Load(di, b->trial_off_grid + at), static_cast<int>(t));
        const auto bit = hn::And(trials, hn::Set(di, 1));
        off_grid = hn::Or(off_grid, hn::ShiftLeftSame(bit, static_cast<int>(g)));
    }
    hn::BlendedStore(off_grid, better_int, di, b->off_grid + c);
}

template <class T>
HWY_INLINE void try_scales(const Lattice& lattice, Batch<T>* b) {
    const Lanes d;
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        if (b->tame) {
            round_trials<T, true>(c, b);
        } else {
            round_trials<T, false>(c, b);
        }
    }
    for (size_t column = 0; column < kColumns; ++column) {
        if (b->active[column] == 0) continue;
        for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
            GroupSnap<T> group(lattice, column, g, b);
            b->trial_off_grid[g * kColumns + column] = static_cast<int32_t>(group.snap_trials());
        }
    }
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        for (size_t t = 0; t < Batch<T>::kTrials; ++t) keep_better(t, c, b);
    }
}

// Groups that are rounded once more with the scale found.
template <class T>
HWY_INLINE uint32_t groups_to_refit(const Batch<T>& b, size_t column) {
    const auto off_grid = static_cast<uint32_t>(b.off_grid[column]);
    if (b.active[column] == 0 || !(b.scale[column] > 0)) return 0;
    if (T::kRefit == Refit::kAlways) return ~0U;
    if (T::kRefit == Refit::kOffGrid) return off_grid;
    return off_grid != 0 ? ~0U : 0;
}

// Rounds all groups with the scales found; into the codes of the first trial.
template <class T>
HWY_INLINE void round_again(Batch<T>* b) {
    const Lanes d;
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        const auto inverse = hn::Div(hn::Set(d, 1.0F), hn::Load(d, b->scale + c));
        for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
            Float x[T::kDims];
            load_group(*b, g, c, x);
            hn::Store(rounded_point<T, false>(x, inverse), IntLanes(),
                      b->trial_code[0] + g * kColumns + c);
        }
    }
}

template <class T>
HWY_INLINE void refit(const Lattice& lattice, Batch<T>* b) {
    const Lanes d;
    round_again(b);
    alignas(64) int32_t refitted[kColumns] = {};
    for (size_t column = 0; column < kColumns; ++column) {
        const uint32_t groups = groups_to_refit(*b, column);
        refitted[column] = groups == 0 ? 0 : -1;
        for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
            if (((groups >> g) & 1) == 0) continue;
            const size_t at = g * kColumns + column;
            const auto code = static_cast<uint32_t>(b->trial_code[0][at]);
            GroupSnap<T> group(lattice, column, g, b);
            b->code[at] = static_cast<int32_t>(group.snap(code, b->scale[column]));
        }
    }
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        const Fit fit = fit_of(*b, b->code, c);
        const auto chosen = hn::Ne(hn::Load(IntLanes(), refitted + c), hn::Zero(IntLanes()));
        const auto better = hn::And(hn::RebindMask(d, chosen), hn::Gt(fit.sumq2, hn::Zero(d)));
        hn::BlendedStore(hn::Div(fit.sumqx, fit.sumq2), better, d, b->scale + c);
    }
}

// Scales are stored without sign.
template <class T>
HWY_INLINE void make_scales_positive(Batch<T>* b) {
    for (size_t c = 0; c < kColumns; ++c) {
        if (b->active[c] == 0) b->scale[c] = 0;
        if (b->scale[c] < 0) {
            b->scale[c] = -b->scale[c];
            for (uint8_t& s : b->signs[c])
                s = static_cast<uint8_t>(~s & (T::kEvenSigns ? 127 : 255));
        }
        if (!(b->scale[c] >= 0)) b->failed = true;
    }
}

template <class T>
HWY_INLINE void search(const Lattice& lattice, Batch<T>* b) {
    turn_rows_to_columns(b);
    start_search(b);
    try_scales(lattice, b);
    refit(lattice, b);
    make_scales_positive(b);
}

template <class T>
void encode_lattice_rows(const IqRows& rows, std::byte* out) {
    constexpr size_t kSubBlocks = kIqBlockWeights / T::kSub;
    const Lattice& lattice = Lattice::of(T::kKind);
    Batch<T> batch;
    for_batches<T::kSub>(rows, [&](size_t first, size_t blocks, const float* sums) {
        batch.failed = false;
        for_sub_blocks<T::kSub, T::kDoubleSigma>(
            rows, first, blocks, sums,
            [&](size_t c, const SubBlock& from) { take_sub_block(from, c, &batch); },
            [&](size_t c) { clear_sub_block(c, &batch); });
        search(lattice, &batch);
        if (HWY_UNLIKELY(batch.failed)) rows.refuse(first);
        for (size_t k = 0; k < blocks; ++k) {
            T::pack(lattice, batch, k * kSubBlocks, out + (first + k) * T::kBlockBytes);
        }
    });
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
