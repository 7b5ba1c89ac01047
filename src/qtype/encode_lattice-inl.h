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
#include "qtype/lattice_batch-inl.h"
#include "qtype/lattice_snap-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

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

// Brings `codes` from trial t - 1 to trial t.
template <class T>
HWY_INLINE void advance(const Batch<T>& b, size_t t, size_t c, int32_t* HWY_RESTRICT codes) {
    const IntLanes di;
    const auto bit = hn::Set(di, static_cast<int32_t>(1U << t));
    for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
        const size_t at = g * kColumns + c;
        const auto changed = hn::TestBit(hn::Load(di, b.changed + at), bit);
        hn::BlendedStore(hn::Load(di, b.trial_code[t] + at), changed, di, codes + at);
    }
}

template <class T>
HWY_INLINE void keep_codes(const int32_t* HWY_RESTRICT codes, hn::Mask<IntLanes> better, size_t t,
                           size_t c, Batch<T>* b) {
    const IntLanes di;
    auto off_grid = hn::Zero(di);
    for (size_t g = 0; g < Batch<T>::kGroups; ++g) {
        const size_t at = g * kColumns + c;
        hn::BlendedStore(hn::Load(di, codes + at), better, di, b->code + at);
        const auto trials = hn::Load(di, b->trial_off_grid + at);
        const auto bit = hn::And(hn::ShiftRightSame(trials, static_cast<int>(t)), hn::Set(di, 1));
        off_grid = hn::Or(off_grid, hn::ShiftLeftSame(bit, static_cast<int>(g)));
    }
    hn::BlendedStore(off_grid, better, di, b->off_grid + c);
}

// Takes trial `t` in the lanes where it is better than what they have.
template <class T>
HWY_NOINLINE void keep_better(const int32_t* HWY_RESTRICT codes, size_t t, size_t c, Batch<T>* b) {
    const Lanes d;
    const Fit fit = fit_of(*b, codes, c);
    const auto best = hn::Load(d, b->best + c);
    const auto square = hn::Mul(fit.sumqx, fit.sumqx);
    auto better = hn::And(hn::Gt(fit.sumq2, hn::Zero(d)), hn::Gt(square, hn::Mul(best, fit.sumq2)));
    better = hn::And(better, active_lanes(*b, c));
    if (hn::AllFalse(d, better)) return;
    const auto scale = hn::Div(fit.sumqx, fit.sumq2);
    hn::BlendedStore(scale, better, d, b->scale + c);
    hn::BlendedStore(hn::Mul(scale, fit.sumqx), better, d, b->best + c);
    keep_codes(codes, hn::RebindMask(IntLanes(), better), t, c, b);
}

template <class T>
HWY_INLINE void try_scales(const Lattice& lattice, TrialSnap<T>* snap, Batch<T>* b) {
    const Lanes d;
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        if (b->tame) {
            round_trials<T, true>(c, b);
        } else {
            round_trials<T, false>(c, b);
        }
    }
    snap_trials(lattice, snap, b);
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        alignas(64) int32_t codes[Batch<T>::kCodes] = {};
        for (size_t t = 0; t < Batch<T>::kTrials; ++t) {
            advance(*b, t, c, codes);
            keep_better(codes, t, c, b);
        }
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
HWY_NOINLINE void round_again(Batch<T>* b) {
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
HWY_NOINLINE void refit(const Lattice& lattice, Batch<T>* b) {
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
            b->code[at] = static_cast<int32_t>(
                snapped(lattice, group_of(*b, column, g), code, b->scale[column], b));
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
HWY_NOINLINE void make_scales_positive(Batch<T>* b) {
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
HWY_INLINE void search(const Lattice& lattice, TrialSnap<T>* snap, Batch<T>* b) {
    turn_rows_to_columns(b);
    start_search(b);
    try_scales(lattice, snap, b);
    refit(lattice, b);
    make_scales_positive(b);
}

template <class T>
void encode_lattice_rows(const IqRows& rows, std::byte* out) {
    constexpr size_t kSubBlocks = kIqBlockWeights / T::kSub;
    const Lattice& lattice = Lattice::of(T::kKind);
    Batch<T> batch;
    TrialSnap<T> snap(lattice, &batch);
    for_batches<T::kSub>(rows, [&](size_t first, size_t blocks, const float* sums) {
        batch.failed = false;
        for_sub_blocks<T::kSub, T::kDoubleSigma>(
            rows, first, blocks, sums,
            [&](size_t c, const SubBlock& from) { take_sub_block(from, c, &batch); },
            [&](size_t c) { clear_sub_block(c, &batch); });
        search(lattice, &snap, &batch);
        if (HWY_UNLIKELY(batch.failed)) rows.refuse(first);
        for (size_t k = 0; k < blocks; ++k) {
            T::pack(lattice, batch, k * kSubBlocks, out + (first + k) * T::kBlockBytes);
        }
    });
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
