#include "rounding/feedback_kernel.h"

// Vectors of unknown length cannot be members of a struct; such machines run NEON or portable code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
// In Highway's order, which compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rounding/feedback_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Floats>;
constexpr size_t kLanes = hn::MaxLanes(Floats());

// Rows side by side: with as many columns at once, what the registers hold.
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kVectors = 2;
#else
constexpr size_t kVectors = 1;
#endif
constexpr size_t kRows = kVectors * kLanes;

HWY_INLINE Vec load(const float* from) {
    return hn::Load(Floats(), from);
}
HWY_INLINE Vec set(float value) {
    return hn::Set(Floats(), value);
}

// Each grid: the value of the nearest level, in steps.
struct EvenGrid {
    explicit EvenGrid(const FrozenGrid& grid)
        : lowest(set(grid.values.front())), highest(set(grid.values.back())) {}

    HWY_INLINE Vec nearest(Vec x) const { return hn::Min(hn::Max(hn::Round(x), lowest), highest); }
    HWY_INLINE Vec level(Vec value) const { return hn::Sub(value, lowest); }

    Vec lowest;
    Vec highest;
};

// The value is the first and the rises of all middles that x is above.
struct TableGrid {
    static constexpr size_t kMost = 16;

    explicit TableGrid(const FrozenGrid& grid) : count(grid.values.size()) {
        first = grid.values[0];
        for (size_t i = 1; i < count; ++i) {
            middles[i - 1] = (grid.values[i - 1] + grid.values[i]) / 2;
            rises[i - 1] = grid.values[i] - grid.values[i - 1];
        }
    }

    HWY_INLINE Vec nearest(Vec x) const {
        Vec value = set(first);
        for (size_t i = 0; i + 1 < count; ++i) {
            const auto above = hn::Gt(x, set(middles[i]));
            value = hn::Add(value, hn::IfThenElseZero(above, set(rises[i])));
        }
        return value;
    }
    HWY_INLINE Vec level(Vec value) const {
        Vec passed = hn::Zero(Floats());
        for (size_t i = 0; i + 1 < count; ++i) {
            const auto above = hn::Gt(value, set(middles[i]));
            passed = hn::Add(passed, hn::IfThenElseZero(above, set(1.0F)));
        }
        return passed;
    }

    size_t count;
    float first;
    float middles[kMost];
    float rises[kMost];
};

template <class Grid>
class Columns {
  public:
    Columns(const FrozenGrid& grid, const ColumnBlock& block) : grid_(grid), block_(block) {}

    HWY_INLINE void run() const {
        for (size_t row = 0; row < kTileRows; row += kRows) {
            for (size_t k = 0; k < block_.columns; k += kColumnsAtOnce) round_some(k, row);
        }
    }

  private:
    HWY_INLINE void round_some(size_t first, size_t row) const {
        Vec sums[kColumnsAtOnce][kVectors];
        load_sums(first, row, sums);
        for (size_t i = 0; i < first; ++i) feed_back(i, first, row, sums);
        for (size_t c = 0; c < kColumnsAtOnce; ++c) {
            const size_t k = first + c;
            for (size_t v = 0; v < kVectors; ++v) round_one(k, row + v * kLanes, sums[c][v]);
            feed_back_within(c, first, row, sums);
        }
    }

    HWY_INLINE void load_sums(size_t first, size_t row,
                              Vec (&sums)[kColumnsAtOnce][kVectors]) const {
        for (size_t c = 0; c < kColumnsAtOnce; ++c) {
            for (size_t v = 0; v < kVectors; ++v) {
                sums[c][v] = load(block_.errors + (first + c) * kTileRows + row + v * kLanes);
            }
        }
    }

    HWY_INLINE void feed_back(size_t i, size_t first, size_t row,
                              Vec (&sums)[kColumnsAtOnce][kVectors]) const {
        const float* factors = block_.feedback + i * block_.stride + first;
        Vec errors[kVectors];
        for (size_t v = 0; v < kVectors; ++v) {
            errors[v] = load(block_.errors + i * kTileRows + row + v * kLanes);
        }
        for (size_t c = 0; c < kColumnsAtOnce; ++c) {
            const Vec factor = set(factors[c]);
            for (size_t v = 0; v < kVectors; ++v) {
                sums[c][v] = hn::MulAdd(errors[v], factor, sums[c][v]);
            }
        }
    }

    // To the columns after c.
    HWY_INLINE void feed_back_within(size_t c, size_t first, size_t row,
                                     Vec (&sums)[kColumnsAtOnce][kVectors]) const {
        const float* factors = block_.feedback + (first + c) * block_.stride + first;
        for (size_t v = 0; v < kVectors; ++v) {
            const Vec error = load(block_.errors + (first + c) * kTileRows + row + v * kLanes);
            for (size_t later = c + 1; later < kColumnsAtOnce; ++later) {
                sums[later][v] = hn::MulAdd(error, set(factors[later]), sums[later][v]);
            }
        }
    }

    HWY_INLINE void round_one(size_t k, size_t row, Vec wanted) const {
        const size_t at = block_.groups[k] * kTileRows + row;
        const Vec offset = load(block_.offsets + at);
        const Vec x = hn::Mul(hn::Sub(wanted, offset), load(block_.inverses + at));
        const Vec value = grid_.nearest(x);
        const Vec rounded = hn::MulAdd(load(block_.steps + at), value, offset);
        const size_t here = k * kTileRows + row;
        hn::Store(hn::Sub(load(block_.target + here), rounded), Floats(), block_.errors + here);
        const auto level = hn::ConvertTo(hn::RebindToSigned<Floats>(), grid_.level(value));
        hn::StoreU(hn::DemoteTo(hn::Rebind<uint8_t, Floats>(), level),
                   hn::Rebind<uint8_t, Floats>(), block_.levels + here);
    }

    Grid grid_;
    ColumnBlock block_;
};

void round_even(const FrozenGrid& grid, const ColumnBlock& block) {
    Columns<EvenGrid>(grid, block).run();
}

void round_table(const FrozenGrid& grid, const ColumnBlock& block) {
    Columns<TableGrid>(grid, block).run();
}

// Squares of so many rows and channels, by way of a copy: rows a power of two apart would push each
// other out of the cache between one channel and the next.
constexpr size_t kSquare = 16;

HWY_INLINE void gather_square(const float* rows, size_t width, const uint32_t* places,
                              float* columns) {
    HWY_ALIGN float square[kSquare * kSquare];
    for (size_t r = 0; r < kSquare; ++r) {
        for (size_t c = 0; c < kSquare; c += kLanes) {
            hn::Store(hn::LoadU(Floats(), rows + r * width + c), Floats(),
                      square + r * kSquare + c);
        }
    }
    const hn::RebindToSigned<Floats> ints;
    const auto offsets = hn::Mul(hn::Iota(ints, 0), hn::Set(ints, int32_t{kSquare}));
    for (size_t c = 0; c < kSquare; ++c) {
        for (size_t r = 0; r < kSquare; r += kLanes) {
            const Vec values = hn::GatherIndex(Floats(), square + r * kSquare + c, offsets);
            hn::Store(values, Floats(), columns + places[c] * kTileRows + r);
        }
    }
}

void gather_columns(const float* rows, size_t width, const uint32_t* places, float* columns) {
    for (size_t row = 0; row < kTileRows; row += kSquare) {
        for (size_t c = 0; c < width; c += kSquare) {
            gather_square(rows + row * width + c, width, places + c, columns + row);
        }
    }
}

bool all_finite(const float* values, size_t count) {
    auto odd = hn::Zero(Floats());
    size_t i = 0;
    // What is finite, times zero, is zero.
    for (; i + kLanes <= count; i += kLanes) {
        odd = hn::Or(odd, hn::Mul(hn::LoadU(Floats(), values + i), hn::Zero(Floats())));
    }
    bool finite = hn::AllTrue(Floats(), hn::Eq(odd, hn::Zero(Floats())));
    for (; i < count; ++i) finite = finite && values[i] * 0 == 0;
    return finite;
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(round_even);
HWY_EXPORT(round_table);
HWY_EXPORT(gather_columns);
HWY_EXPORT(all_finite);

void round_columns(const FrozenGrid& grid, const ColumnBlock& block) {
    if (grid.even) {
        HWY_DYNAMIC_DISPATCH(round_even)(grid, block);
    } else {
        HWY_DYNAMIC_DISPATCH(round_table)(grid, block);
    }
}

void load_columns(const float* rows, size_t width, const uint32_t* places, float* columns) {
    HWY_DYNAMIC_DISPATCH(gather_columns)(rows, width, places, columns);
}

bool are_finite(std::span<const float> values) {
    return HWY_DYNAMIC_DISPATCH(all_finite)(values.data(), values.size());
}

}  // namespace bitgauge
#endif  // HWY_ONCE
