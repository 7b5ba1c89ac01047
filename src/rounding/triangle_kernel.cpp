#include "rounding/triangle_kernel.h"

#include <algorithm>
#include <cmath>

// Vectors of unknown length cannot be members of an array; such machines run NEON or portable code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
// In Highway's order, which compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rounding/triangle_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Floats>;
constexpr size_t kLanes = hn::MaxLanes(Floats());

// Sums in registers: with a row of b and a value of a, what 16 of them hold, or 32.
constexpr size_t kRows = 6;
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kVectors = 3;
#else
constexpr size_t kVectors = 2;
#endif
static_assert(kSide % kRows == 0 && kSide % (kVectors * kLanes) == 0);

template <size_t kCount, size_t kWide>
struct Sums {
    Vec of[kCount][kWide];

    HWY_INLINE void load(const float* from) {
        for (size_t r = 0; r < kCount; ++r) {
            for (size_t v = 0; v < kWide; ++v) {
                of[r][v] = hn::Load(Floats(), from + r * kSide + v * kLanes);
            }
        }
    }
    HWY_INLINE void store(float* to) const {
        for (size_t r = 0; r < kCount; ++r) {
            for (size_t v = 0; v < kWide; ++v) {
                hn::Store(of[r][v], Floats(), to + r * kSide + v * kLanes);
            }
        }
    }
    // Less the first `depth` rows of a, transposed, times those of b.
    HWY_INLINE void subtract(const float* a, const float* b, size_t depth) {
        for (size_t k = 0; k < depth; ++k, a += kSide, b += kSide) {
            Vec right[kWide];
            for (size_t v = 0; v < kWide; ++v) right[v] = hn::Load(Floats(), b + v * kLanes);
            for (size_t r = 0; r < kCount; ++r) {
                const Vec left = hn::Set(Floats(), a[r]);
                for (size_t v = 0; v < kWide; ++v) {
                    of[r][v] = hn::NegMulAdd(left, right[v], of[r][v]);
                }
            }
        }
    }
    // Rows divided by a triangle, each less what those before it explain.
    HWY_INLINE void divide(const float* r, const float* inverses) {
        for (size_t i = 0; i < kCount; ++i) {
            for (size_t v = 0; v < kWide; ++v) {
                Vec rest = of[i][v];
                for (size_t k = 0; k < i; ++k) {
                    rest = hn::NegMulAdd(hn::Set(Floats(), r[k * kSide + i]), of[k][v], rest);
                }
                of[i][v] = hn::Mul(rest, hn::Set(Floats(), inverses[i]));
            }
        }
    }
};

// run(sums, column) for columns [first, end), of whole vectors, as many at once as there may be.
template <size_t kCount, class Run>
HWY_INLINE void for_columns(size_t first, size_t end, const Run& run) {
    size_t column = first;
    for (; column + kVectors * kLanes <= end; column += kVectors * kLanes) {
        run(Sums<kCount, kVectors>(), column);
    }
    for (; column < end; column += kLanes) run(Sums<kCount, 1>(), column);
}

size_t whole_vectors(size_t columns) {
    return (columns + kLanes - 1) / kLanes * kLanes;
}

void subtract_rows(const float* a, const float* b, size_t row, size_t first, size_t end, float* c) {
    for_columns<kRows>(first, end, [&](auto sums, size_t column) HWY_ATTR {
        sums.load(c + row * kSide + column);
        sums.subtract(a + row, b + column, kSide);
        sums.store(c + row * kSide + column);
    });
}

void product(const float* a, const float* b, size_t columns, float* c) {
    const size_t end = whole_vectors(columns);
    for (size_t row = 0; row < kSide; row += kRows) subtract_rows(a, b, row, 0, end, c);
}

void gram(const float* a, float* c) {
    for (size_t row = 0; row < kSide; row += kRows) {
        subtract_rows(a, a, row, row / kLanes * kLanes, kSide, c);
    }
}

bool factor(float* c, float* inverses) {
    for (size_t row = 0; row < kSide; ++row) {
        const size_t first = row / kLanes * kLanes;
        float* own = c + row * kSide;
        for_columns<1>(first, kSide, [&](auto sums, size_t column) HWY_ATTR {
            sums.load(own + column);
            sums.subtract(c + row, c + column, row);
            sums.store(own + column);
        });
        if (!(own[row] > 0)) return false;
        inverses[row] = 1 / std::sqrt(own[row]);
        const Vec inverse = hn::Set(Floats(), inverses[row]);
        for (size_t column = first; column < kSide; column += kLanes) {
            hn::Store(hn::Mul(hn::Load(Floats(), own + column), inverse), Floats(), own + column);
        }
    }
    return true;
}

void divide(const float* r, const float* inverses, size_t columns, float* c) {
    const size_t end = whole_vectors(columns);
    for (size_t row = 0; row < kSide; row += kRows) {
        for_columns<kRows>(0, end, [&](auto sums, size_t column) HWY_ATTR {
            sums.load(c + row * kSide + column);
            sums.subtract(r + row, c + column, row);
            sums.divide(r + row * kSide + row, inverses + row);
            sums.store(c + row * kSide + column);
        });
    }
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(product);
HWY_EXPORT(gram);
HWY_EXPORT(factor);
HWY_EXPORT(divide);

void subtract_product(const float* a, const float* b, size_t columns, float* c) {
    HWY_DYNAMIC_DISPATCH(product)(a, b, columns, c);
}

void subtract_gram(const float* a, float* c) {
    HWY_DYNAMIC_DISPATCH(gram)(a, c);
}

bool factor_tile(float* c, float* inverses) {
    return HWY_DYNAMIC_DISPATCH(factor)(c, inverses);
}

void divide_tile(const float* r, const float* inverses, size_t columns, float* c) {
    HWY_DYNAMIC_DISPATCH(divide)(r, inverses, columns, c);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
