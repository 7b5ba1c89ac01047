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

// Sub-blocks on their way. "Columns" arrays are [i][column], "rows" arrays [column][i].
template <class T>
struct Batch {
    static constexpr size_t kGroups = T::kSub / T::kDims;
    alignas(64) float x[T::kSub * kColumns];   // |weight|, but for flips of parity
    alignas(64) float w[T::kSub * kColumns];   // its weight in the error
    alignas(64) float wx[T::kSub * kColumns];  // product of the two
    alignas(64) float row_x[kColumns * T::kSub];
    alignas(64) float row_w[kColumns * T::kSub];
    alignas(64) float row_a[kColumns * T::kSub];  // root of w
    alignas(64) float max[kColumns];
    alignas(64) float unit[kColumns];  // divisor of the trial scales
    alignas(64) float scale[kColumns];
    alignas(64) float best[kColumns];
    alignas(64) float trial_scale[kColumns];
    alignas(64) float inverse[kColumns];
    alignas(64) int32_t code[kGroups * kColumns];
    alignas(64) int32_t trial_code[kGroups * kColumns];
    alignas(64) int32_t off_grid[kColumns];  // bit per group, of `code`
    alignas(64) int32_t trial_off_grid[kColumns];
    alignas(64) int32_t active[kColumns];  // -1: has a scale; 0: all weights count as zero
    uint8_t signs[kColumns][T::kSub / 8];
    bool tame = false;    // rounding cannot leave +-2^22 in the trials
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

// Which sub-blocks have a scale at all, and from where their trials start.
template <class T>
HWY_INLINE void start_search(Batch<T>* b) {
    const Lanes d;
    bool tame = true;
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        auto max = hn::Load(d, b->x + c);
        auto min = max;
        for (size_t i = 1; i < T::kSub; ++i) {
            const auto x = hn::Load(d, b->x + i * kColumns + c);
            max = hn::IfThenElse(hn::Gt(max, x), max, x);
            min = hn::Min(min, x);
        }
        auto active = hn::Not(T::zero_sub_block(max));
        const TrialStart start = T::trial_start(*b, c, max);
        if (T::kUnitMayVanish) {
            active = hn::And(active, hn::Not(hn::Le(start.unit, hn::Zero(d))));
        }
        const auto limit = hn::Mul(start.unit, hn::Set(d, 1e4F));
        const auto normal =
            hn::And(hn::Gt(start.unit, hn::Set(d, 1e-30F)), hn::Lt(max, hn::Set(d, 1e30F)));
        const auto steady =
            hn::And(normal, hn::And(hn::Gt(min, hn::Neg(limit)), hn::Lt(max, limit)));
        tame = tame && hn::AllTrue(d, hn::Or(steady, hn::Not(active)));
        const auto all = hn::VecFromMask(IntLanes(), hn::RebindMask(IntLanes(), active));
        hn::Store(all, IntLanes(), b->active + c);
        hn::Store(max, d, b->max + c);
        hn::Store(start.unit, d, b->unit + c);
        hn::Store(start.scale, d, b->scale + c);
        hn::Store(hn::Zero(d), d, b->best + c);
        hn::Store(hn::Set(IntLanes(), T::kFirstOffGrid), IntLanes(), b->off_grid + c);
    }
    b->tame = tame;
    std::fill_n(b->code, Batch<T>::kGroups * kColumns, 0);
}

// Points nearest to inverse * x without regard to the grid. `kTame`: the values stay where rounding
// by adding 1.5 * 2^23 leaves the integer in the lowest bits.
template <class T, bool kTame>
HWY_INLINE void round_to_points(const Batch<T>& b, const float* HWY_RESTRICT inverse,
                                int32_t* HWY_RESTRICT codes) {
    const Lanes d;
    const IntLanes di;
    constexpr int32_t kTop = T::kLevels - 1;
    const auto half = hn::Set(d, 0.5F);
    const auto one = hn::Set(d, 1.0F);
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        const auto id = hn::Load(d, inverse + c);
        for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
            auto code = hn::Zero(di);
            for (size_t i = 0; i < T::kDims; ++i) {
                const auto x = hn::Load(d, b.x + (g * T::kDims + i) * kColumns + c);
                const auto value = hn::Mul(half, hn::Sub(hn::Mul(id, x), one));
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
            hn::Store(code, di, codes + g * kColumns + c);
        }
    }
}

// Moves the points of `column` whose bit is set in `groups` onto the grid; the bits of those that
// were not there.
template <class T>
HWY_INLINE int32_t snap_to_grid(const Lattice& lattice, size_t column, uint32_t groups, float scale,
                                int32_t* HWY_RESTRICT codes, Batch<T>* b) {
    using Terms = typename T::Terms;
    int32_t off_grid = 0;
    for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
        int32_t& code = codes[g * kColumns + column];
        const Lattice::Neighbours list = lattice.neighbours(static_cast<uint32_t>(code));
        if (list.steps == 0 || ((groups >> g) & 1) == 0) continue;
        off_grid |= 1 << g;
        const size_t at = column * T::kSub + g * T::kDims;
        const Terms terms(b->row_x + at, b->row_a + at, scale);
        const uint32_t found =
            first_nearest(terms, lattice.candidates(list.first_step), list.steps);
        if (HWY_UNLIKELY(found == kNoGridPoint)) b->failed = true;
        code = static_cast<int32_t>(found & 0xFFFF);
    }
    return off_grid;
}

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

template <class T>
HWY_INLINE void keep_better(size_t c, Batch<T>* b) {
    const Lanes d;
    const IntLanes di;
    const Fit fit = fit_of(*b, b->trial_code, c);
    const auto best = hn::Load(d, b->best + c);
    const auto square = hn::Mul(fit.sumqx, fit.sumqx);
    auto better = hn::And(hn::Gt(fit.sumq2, hn::Zero(d)), hn::Gt(square, hn::Mul(best, fit.sumq2)));
    better = hn::And(better, active_lanes(*b, c));
    if (hn::AllFalse(d, better)) return;
    const auto scale = hn::Div(fit.sumqx, fit.sumq2);
    hn::BlendedStore(scale, better, d, b->scale + c);
    hn::BlendedStore(hn::Mul(scale, fit.sumqx), better, d, b->best + c);
    const auto better_int = hn::RebindMask(di, better);
    hn::BlendedStore(hn::Load(di, b->trial_off_grid + c), better_int, di, b->off_grid + c);
    for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
        const size_t at = g * kColumns + c;
        hn::BlendedStore(hn::Load(di, b->trial_code + at), better_int, di, b->code + at);
    }
}

template <class T>
HWY_INLINE void try_scale(const Lattice& lattice, int trial, Batch<T>* b) {
    const Lanes d;
    const auto levels =
        hn::Set(d, (2 * T::kLevels - 1) + static_cast<float>(trial) * T::kTrialStep);
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        const auto inverse = hn::Div(levels, hn::Load(d, b->unit + c));
        hn::Store(inverse, d, b->inverse + c);
        hn::Store(hn::Div(hn::Set(d, 1.0F), inverse), d, b->trial_scale + c);
    }
    if (b->tame) {
        round_to_points<T, true>(*b, b->inverse, b->trial_code);
    } else {
        round_to_points<T, false>(*b, b->inverse, b->trial_code);
    }
    for (size_t c = 0; c < kColumns; ++c) {
        if (b->active[c] == 0) continue;
        b->trial_off_grid[c] = snap_to_grid(lattice, c, ~0U, b->trial_scale[c], b->trial_code, b);
    }
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) keep_better(c, b);
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

template <class T>
HWY_INLINE void refit(const Lattice& lattice, Batch<T>* b) {
    const Lanes d;
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        const auto scale = hn::Load(d, b->scale + c);
        hn::Store(hn::Div(hn::Set(d, 1.0F), scale), d, b->inverse + c);
    }
    round_to_points<T, false>(*b, b->inverse, b->trial_code);
    alignas(64) int32_t refitted[kColumns] = {};
    for (size_t column = 0; column < kColumns; ++column) {
        const uint32_t groups = groups_to_refit(*b, column);
        if (groups == 0) continue;
        refitted[column] = -1;
        snap_to_grid(lattice, column, groups, b->scale[column], b->trial_code, b);
        for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
            if (((groups >> g) & 1) == 0) continue;
            b->code[g * kColumns + column] = b->trial_code[g * kColumns + column];
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
    for (int trial = -T::kTrialReach; trial <= T::kTrialReach; ++trial) {
        try_scale(lattice, trial, b);
    }
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
