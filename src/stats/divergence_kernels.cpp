#include "stats/divergence_kernels.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stats/divergence_kernels.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/algo/find-inl.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;

TileMaximum maximum_of(const float* HWY_RESTRICT values, size_t n) {
    const Floats d;
    const size_t lanes = hn::Lanes(d);
    float most = values[0];
    size_t i = 0;
    if (n >= lanes) {
        auto best = hn::LoadU(d, values);
        for (i = lanes; i + lanes <= n; i += lanes) best = hn::Max(best, hn::LoadU(d, values + i));
        most = hn::GetLane(hn::MaxOfLanes(d, best));
    }
    for (; i < n; ++i) most = std::max(most, values[i]);
    const size_t at = hn::Find(d, most, values, n);
    return {.value = most, .index = at < n ? static_cast<int32_t>(at) : 0};
}

float exponentials_of(const float* HWY_RESTRICT values, size_t n, float shift, float floor,
                      float* HWY_RESTRICT out) {
    const Floats d;
    const size_t lanes = hn::Lanes(d);
    const auto shifts = hn::Set(d, shift);
    const auto floors = hn::Set(d, floor);
    auto sums = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const auto x = hn::LoadU(d, values + i);
        const auto e = hn::IfThenElseZero(hn::Gt(x, floors), hn::Exp(d, hn::Sub(x, shifts)));
        hn::StoreU(e, d, out + i);
        sums = hn::Add(sums, e);
    }
    float sum = hn::GetLane(hn::SumOfLanes(d, sums));
    for (; i < n; ++i) {
        out[i] = values[i] > floor ? std::exp(values[i] - shift) : 0.0F;
        sum += out[i];
    }
    return sum;
}

TileSums cross_sums_of(const float* HWY_RESTRICT reference, const float* HWY_RESTRICT weights,
                       const float* HWY_RESTRICT candidate, size_t n, float shift, float offset) {
    const Floats d;
    const size_t lanes = hn::Lanes(d);
    const auto shifts = hn::Set(d, shift);
    const auto offsets = hn::Set(d, offset);
    auto sums = hn::Zero(d);
    auto crosses = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const auto m = hn::LoadU(d, candidate + i);
        const auto l = hn::LoadU(d, reference + i);
        sums = hn::Add(sums, hn::Exp(d, hn::Sub(m, shifts)));
        const auto difference = hn::Sub(hn::Sub(l, m), offsets);
        crosses = hn::MulAdd(hn::LoadU(d, weights + i), difference, crosses);
    }
    // As exponentials_of() adds: of equal values both sums are equal.
    float sum = hn::GetLane(hn::SumOfLanes(d, sums));
    double cross = hn::GetLane(hn::SumOfLanes(d, crosses));
    for (; i < n; ++i) {
        sum += std::exp(candidate[i] - shift);
        cross += double{weights[i]} * (reference[i] - candidate[i] - offset);
    }
    return {.exponentials = sum, .cross = cross};
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(maximum_of);
HWY_EXPORT(exponentials_of);
HWY_EXPORT(cross_sums_of);

TileMaximum tile_maximum(std::span<const float> values) {
    return HWY_DYNAMIC_DISPATCH(maximum_of)(values.data(), values.size());
}

float exponentials(std::span<const float> values, float shift, float floor, std::span<float> out) {
    return HWY_DYNAMIC_DISPATCH(exponentials_of)(values.data(), values.size(), shift, floor,
                                                 out.data());
}

TileSums cross_sums(std::span<const float> reference, std::span<const float> weights,
                    std::span<const float> candidate, float shift, float offset) {
    return HWY_DYNAMIC_DISPATCH(cross_sums_of)(reference.data(), weights.data(), candidate.data(),
                                               candidate.size(), shift, offset);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
