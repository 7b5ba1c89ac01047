// Sub-blocks of IQ2 and IQ3 on their way: taken from the rows, weighed, and rounded for all trials.
//
// Parts of quantize_row_{iq2_xxs,iq2_xs,iq2_s,iq3_xxs,iq3_s}_impl of ggml-quants.c.

// Included once per target (Highway's way).
#if defined(BITGAUGE_QTYPE_LATTICE_BATCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_LATTICE_BATCH_INL_H_
#undef BITGAUGE_QTYPE_LATTICE_BATCH_INL_H_
#else
#define BITGAUGE_QTYPE_LATTICE_BATCH_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "qtype/columns-inl.h"
#include "qtype/encode_iq.h"
#include "qtype/nearest_grid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

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
    // A code is valid where the trial's bit in `changed` is set; else it is that of the trial
    // before.
    alignas(64) int32_t trial_code[kTrials][kCodes];
    alignas(64) int32_t changed[kCodes];
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
HWY_NOINLINE void take_sub_block(const SubBlock& from, size_t column, Batch<T>* b) {
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

// Sub-blocks in which no product of the search overflows or loses bits below the normal numbers,
// and no trial rounds to integers beyond +-2^22.
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
HWY_NOINLINE void start_search(Batch<T>* b) {
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
HWY_NOINLINE void round_trials(size_t c, Batch<T>* b) {
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

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
