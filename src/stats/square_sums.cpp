#include "stats/square_sums.h"

#include <cmath>
#include <cstddef>

// This file is compiled once per instruction set, through Highway's foreach_target.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stats/square_sums.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// So many rows are read side by side, so that sums are loaded and stored once for all of them.
constexpr size_t kRowsAtOnce = 8;

template <size_t kRows>
void add_rows(const float* const* HWY_RESTRICT rows, double* HWY_RESTRICT sums, size_t n) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> half;
    const size_t lanes = hn::Lanes(d);
    size_t c = 0;
    for (; c + lanes <= n; c += lanes) {
        auto sum = hn::LoadU(d, sums + c);
        for (size_t r = 0; r < kRows; ++r) {
            const auto x = hn::PromoteTo(d, hn::LoadU(half, rows[r] + c));
            sum = hn::MulAdd(x, x, sum);  // the product is exact: fused or not, one rounding
        }
        hn::StoreU(sum, d, sums + c);
    }
    for (; c < n; ++c) {
        for (size_t r = 0; r < kRows; ++r) {
            const auto x = static_cast<double>(rows[r][c]);
            sums[c] += x * x;
        }
    }
}

void add_squares_of(const float* const* HWY_RESTRICT rows, size_t count, double* HWY_RESTRICT sums,
                    size_t n) {
    size_t r = 0;
    for (; r + kRowsAtOnce <= count; r += kRowsAtOnce) add_rows<kRowsAtOnce>(rows + r, sums, n);
    for (; r < count; ++r) add_rows<1>(rows + r, sums, n);
}

bool all_finite_of(const double* HWY_RESTRICT values, size_t n) {
    const hn::ScalableTag<double> d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        if (!hn::AllTrue(d, hn::IsFinite(hn::LoadU(d, values + i)))) return false;
    }
    for (; i < n; ++i) {
        if (!std::isfinite(values[i])) return false;
    }
    return true;
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(add_squares_of);
HWY_EXPORT(all_finite_of);

void add_squares(std::span<const float* const> rows, std::span<double> sums) {
    HWY_DYNAMIC_DISPATCH(add_squares_of)(rows.data(), rows.size(), sums.data(), sums.size());
}

bool all_finite(std::span<const double> values) {
    return HWY_DYNAMIC_DISPATCH(all_finite_of)(values.data(), values.size());
}

}  // namespace bitgauge
#endif  // HWY_ONCE
