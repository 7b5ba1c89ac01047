// The grid point nearest to a group of weights, among the candidates of a rounded point.
//
// What iq2_find_best_neighbour and iq3_find_best_neighbour of ggml-quants.c compute: every
// candidate's sum over i of a[i] * (scale * level[i] - x[i])^2, added in the order of i, and the
// first smallest of them. A term has only as many values as there are levels, so the terms are
// looked up, and eight candidates are summed at a time.

// Included once per target, without include guard for others (Highway's way).
#if defined(BITGAUGE_QTYPE_NEAREST_GRID_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_NEAREST_GRID_INL_H_
#undef BITGAUGE_QTYPE_NEAREST_GRID_INL_H_
#else
#define BITGAUGE_QTYPE_NEAREST_GRID_INL_H_
#endif

#include <cfloat>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "qtype/lattice.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using StepFloats = hn::CappedTag<float, Lattice::kStep>;
using StepCodes = hn::RebindToUnsigned<StepFloats>;
using StepFloat = hn::Vec<StepFloats>;
using StepCode = hn::Vec<StepCodes>;

constexpr uint32_t kNoGridPoint = UINT32_MAX;

// table[code & 3].
HWY_INLINE StepFloat look_up_4(const float* HWY_RESTRICT table, StepCode code) {
    const StepFloats d;
#if HWY_TARGET == HWY_SCALAR
    return hn::Set(d, table[hn::GetLane(code) & 3]);
#elif HWY_ARCH_X86 && HWY_MAX_BYTES >= 32
    // Reads two bits of each index; Highway's own look-up reads three, and would need them masked.
    const auto index = hn::BitCast(hn::RebindToSigned<StepFloats>(), code);
    return StepFloat{_mm256_permutevar_ps(hn::LoadDup128(d, table).raw, index.raw)};
#else
    const auto index = hn::And(code, hn::Set(StepCodes(), 3));
    return hn::TableLookupLanes(hn::LoadDup128(d, table), hn::IndicesFromVec(d, index));
#endif
}

// Groups of 8 weights on 3 levels.
struct Terms8 {
    alignas(32) float of[8][4];  // of[i][level]

    // Levels 1, 3 and 5.
    HWY_INLINE Terms8(const float* HWY_RESTRICT x, const float* HWY_RESTRICT a, float scale)
        : Terms8(x, a, scale, scale * 3, scale * 5) {}

    // The levels, already scaled.
    HWY_INLINE Terms8(const float* HWY_RESTRICT x, const float* HWY_RESTRICT a, float low,
                      float middle, float high) {
        const StepFloats d;
        for (size_t i = 0; i < 8; i += hn::Lanes(d)) {
            const auto xs = hn::Load(d, x + i);
            const auto as = hn::Load(d, a + i);
            const auto top = term(xs, as, high);
            hn::StoreInterleaved4(term(xs, as, low), term(xs, as, middle), top, top, d, of[i]);
        }
    }

    HWY_INLINE static StepFloat term(StepFloat x, StepFloat a, float scaled_level) {
        const auto difference = hn::Sub(hn::Set(StepFloats(), scaled_level), x);
        return hn::Mul(hn::Mul(a, difference), difference);
    }

    HWY_INLINE StepFloat distance(StepCode code) const {
        auto sum = look_up_4(of[0], code);
        sum = hn::Add(sum, look_up_4(of[1], hn::ShiftRight<2>(code)));
        sum = hn::Add(sum, look_up_4(of[2], hn::ShiftRight<4>(code)));
        sum = hn::Add(sum, look_up_4(of[3], hn::ShiftRight<6>(code)));
        sum = hn::Add(sum, look_up_4(of[4], hn::ShiftRight<8>(code)));
        sum = hn::Add(sum, look_up_4(of[5], hn::ShiftRight<10>(code)));
        sum = hn::Add(sum, look_up_4(of[6], hn::ShiftRight<12>(code)));
        return hn::Add(sum, look_up_4(of[7], hn::ShiftRight<14>(code)));
    }
};

// Groups of 4 weights on 8 levels: 1, 3, ... 15.
#if HWY_MAX_BYTES >= 32
HWY_INLINE StepFloat look_up_8(StepFloat table, StepCode code) {
#if !HWY_ARCH_X86 || HWY_IS_DEBUG_BUILD
    code = hn::And(code, hn::Set(StepCodes(), 7));
#endif
    return hn::TableLookupLanes(table, hn::IndicesFromVec(StepFloats(), code));
}

HWY_INLINE StepFloat odd_levels() {
    const StepFloats d;
    const auto two = hn::Set(d, 2.0F);
    return hn::Add(hn::Mul(hn::Iota(d, 0.0F), two), hn::Set(d, 1.0F));
}

struct Terms4 {
    StepFloat of[4];

    HWY_INLINE Terms4(const float* HWY_RESTRICT x, const float* HWY_RESTRICT a, float scale) {
        const auto scaled = hn::Mul(hn::Set(StepFloats(), scale), odd_levels());
        for (size_t i = 0; i < 4; ++i) of[i] = term(x[i], a[i], scaled);
    }

    HWY_INLINE static StepFloat term(float x, float a, StepFloat scaled) {
        const StepFloats d;
        const auto difference = hn::Sub(scaled, hn::Set(d, x));
        return hn::Mul(hn::Mul(hn::Set(d, a), difference), difference);
    }

    HWY_INLINE StepFloat distance(StepCode code) const {
        auto sum = look_up_8(of[0], code);
        sum = hn::Add(sum, look_up_8(of[1], hn::ShiftRight<3>(code)));
        sum = hn::Add(sum, look_up_8(of[2], hn::ShiftRight<6>(code)));
        return hn::Add(sum, look_up_8(of[3], hn::ShiftRight<9>(code)));
    }
};
#else
struct Terms4 {
    const float* HWY_RESTRICT x;
    const float* HWY_RESTRICT a;
    float scale;

    HWY_INLINE Terms4(const float* HWY_RESTRICT xs, const float* HWY_RESTRICT as, float s)
        : x(xs), a(as), scale(s) {}

    HWY_INLINE StepFloat term(size_t i, StepCode level) const {
        const StepFloats d;
        const auto odd = hn::Add(hn::Add(level, level), hn::Set(StepCodes(), 1));
        const auto q = hn::ConvertTo(d, hn::BitCast(hn::RebindToSigned<StepFloats>(), odd));
        const auto difference = hn::Sub(hn::Mul(hn::Set(d, scale), q), hn::Set(d, x[i]));
        return hn::Mul(hn::Mul(hn::Set(d, a[i]), difference), difference);
    }

    HWY_INLINE StepFloat distance(StepCode code) const {
        const auto mask = hn::Set(StepCodes(), 7);
        auto sum = term(0, hn::And(code, mask));
        sum = hn::Add(sum, term(1, hn::And(hn::ShiftRight<3>(code), mask)));
        sum = hn::Add(sum, term(2, hn::And(hn::ShiftRight<6>(code), mask)));
        return hn::Add(sum, term(3, hn::And(hn::ShiftRight<9>(code), mask)));
    }
};
#endif

// The candidate with the first smallest distance below FLT_MAX; distances that are not numbers
// are passed over.
template <class Terms>
HWY_INLINE uint32_t first_nearest(const Terms& terms, const uint16_t* HWY_RESTRICT candidates,
                                  size_t steps) {
    const StepFloats d;
    const StepCodes dc;
    const hn::Rebind<uint16_t, StepFloats> d16;
    const size_t lanes = hn::Lanes(d);
    auto best = hn::Set(d, FLT_MAX);
    auto place = hn::Zero(dc);
    auto here = hn::Iota(dc, 0);
    for (size_t at = 0; at < steps * Lattice::kStep; at += lanes) {
        const auto distance = terms.distance(hn::PromoteTo(dc, hn::Load(d16, candidates + at)));
        const auto nearer = hn::Lt(distance, best);
        best = hn::IfThenElse(nearer, distance, best);
        place = hn::IfThenElse(hn::RebindMask(dc, nearer), here, place);
        here = hn::Add(here, hn::Set(dc, static_cast<uint32_t>(lanes)));
    }
    const auto least = hn::MinOfLanes(d, best);
    if (HWY_UNLIKELY(!(hn::GetLane(least) < FLT_MAX))) return kNoGridPoint;
    const auto smallest = hn::RebindMask(dc, hn::Eq(best, least));
    const auto last = hn::Set(dc, UINT32_MAX);
    return candidates[hn::GetLane(hn::MinOfLanes(dc, hn::IfThenElse(smallest, place, last)))];
}

struct Nearest {
    uint32_t code;
    bool clear;  // every other candidate is farther by more than the slack
};

// A margin that rounding cannot bridge, where `least` is the smallest distance and `reach` the sum
// of a[i] * (scale * highest level)^2. A distance is computed from terms of relative error 2^-21 at
// most, and from scaled levels of relative error 2^-24; this is 30 times as much. The last summand
// stands for the errors of subnormal numbers.
HWY_INLINE float nearest_slack(float least, float reach) {
    return 1e-5F * (least + reach) + 1e-35F;
}

// As first_nearest(), where all distances are numbers below FLT_MAX.
template <class Terms>
HWY_INLINE Nearest nearest_of_one_step(const Terms& terms, const uint16_t* HWY_RESTRICT candidates,
                                       float reach) {
    const StepFloats d;
    const StepCodes dc;
    const auto codes = hn::PromoteTo(dc, hn::Load(hn::Rebind<uint16_t, StepFloats>(), candidates));
    const auto distance = terms.distance(codes);
    const auto least = hn::MinOfLanes(d, distance);
    const uint32_t code = candidates[hn::FindKnownFirstTrue(d, hn::Eq(distance, least))];
    const float smallest = hn::GetLane(least);
    const auto far = hn::Gt(distance, hn::Set(d, smallest + nearest_slack(smallest, reach)));
    const auto same = hn::RebindMask(d, hn::Eq(codes, hn::Set(dc, code)));
    return {code, hn::AllTrue(d, hn::Or(far, same))};
}

template <class Terms>
HWY_INLINE Nearest nearest_of_steps(const Terms& terms, const uint16_t* HWY_RESTRICT candidates,
                                    size_t steps, float reach) {
    const StepFloats d;
    const StepCodes dc;
    const hn::Rebind<uint16_t, StepFloats> d16;
    const size_t lanes = hn::Lanes(d);
    auto code = hn::PromoteTo(dc, hn::Load(d16, candidates));
    auto best = terms.distance(code);
    auto second = hn::Set(d, FLT_MAX);
    for (size_t at = lanes; at < steps * Lattice::kStep; at += lanes) {
        const auto next = hn::PromoteTo(dc, hn::Load(d16, candidates + at));
        const auto distance = terms.distance(next);
        second = hn::Min(second, hn::Max(best, distance));
        code = hn::IfThenElse(hn::RebindMask(dc, hn::Lt(distance, best)), next, code);
        best = hn::Min(best, distance);
    }
    const auto least = hn::MinOfLanes(d, best);
    const float smallest = hn::GetLane(least);
    const auto at_least = hn::Eq(best, least);
    const auto others = hn::IfThenElse(at_least, second, best);
    const auto limit = hn::Set(d, smallest + nearest_slack(smallest, reach));
    const bool clear = hn::AllTrue(d, hn::Gt(others, limit));
    if (HWY_UNLIKELY(hn::CountTrue(d, at_least) > 1)) {
        return {first_nearest(terms, candidates, steps), false};
    }
    alignas(64) uint32_t codes[Lattice::kStep];
    hn::Store(code, dc, codes);
    return {codes[hn::FindKnownFirstTrue(d, at_least)], clear};
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
