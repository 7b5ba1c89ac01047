#include "rounding/lattice_kernel.h"

#include "rounding/lattice_table.h"

// Vectors of unknown length cannot be members of a struct; such machines run NEON or portable code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rounding/lattice_kernel.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "rounding/lattice_search-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

constexpr size_t kLanes = hn::MaxLanes(Floats());

template <bool kEven>
class Units {
  public:
    Units(const FrozenLattice& lattice, const UnitBlock& units)
        : table_(LatticeTable::of(lattice)), units_(units), block_(units.block) {}

    HWY_INLINE void run() const {
        for (size_t row = 0; row < kTileRows; row += kLanes) {
            for (size_t u = 0; u < block_.columns / kUnitWeights; ++u) round_unit(u, row);
        }
    }

  private:
    HWY_INLINE void round_unit(size_t u, size_t row) const {
        const size_t at = units_.groups[u] * kTileRows + row;
        const Vec inverse = hn::Load(Floats(), block_.inverses + at);
        Vec target[kUnitWeights];
        for (size_t i = 0; i < kUnitWeights; ++i) {
            target[i] = hn::Load(Floats(), column(block_.errors, u, i, row));
        }
        for (size_t i = 0; i < u * kUnitWeights; ++i) feed_back(i, u, row, target);
        for (Vec& t : target) t = hn::Mul(t, inverse);
        const UnitSearch<kEven> search(table_, units_.metrics[u], target);
        store(search.best(), hn::Load(Floats(), block_.steps + at), u, row);
    }

    template <class T>
    HWY_INLINE T* column(T* tile, size_t u, size_t i, size_t row) const {
        return tile + (u * kUnitWeights + i) * kTileRows + row;
    }

    HWY_INLINE void feed_back(size_t i, size_t u, size_t row, Vec* target) const {
        const Vec error = hn::Load(Floats(), block_.errors + i * kTileRows + row);
        const float* factors = block_.feedback + i * block_.stride + u * kUnitWeights;
        for (size_t c = 0; c < kUnitWeights; ++c) {
            target[c] = hn::MulAdd(error, set(factors[c]), target[c]);
        }
    }

    HWY_INLINE void store(const Candidate& best, Vec step, size_t u, size_t row) const {
        IntVec signs = hn::Zero(Ints());
        for (size_t i = 0; i < kUnitWeights; ++i) {
            const Vec wanted = hn::Load(Floats(), column(block_.target, u, i, row));
            hn::Store(hn::NegMulAdd(best.v[i], step, wanted), Floats(),
                      column(block_.errors, u, i, row));
            const auto minus = hn::BroadcastSignBit(hn::BitCast(Ints(), best.v[i]));
            signs = hn::Or(signs, hn::And(minus, set_int(1 << i)));
        }
        HWY_ALIGN int32_t index[2][kLanes];
        HWY_ALIGN int32_t bits[kLanes];
        hn::Store(best.index[0], Ints(), index[0]);
        hn::Store(best.index[1], Ints(), index[1]);
        hn::Store(signs, Ints(), bits);
        UnitPoint* points = units_.points + u * kTileRows + row;
        for (size_t lane = 0; lane < kLanes; ++lane) {
            points[lane] = {
                {static_cast<uint16_t>(index[0][lane]), static_cast<uint16_t>(index[1][lane])},
                static_cast<uint8_t>(bits[lane])};
        }
    }

    const LatticeTable& table_;
    UnitBlock units_;
    ColumnBlock block_;
};

void round_even_signs(const FrozenLattice& lattice, const UnitBlock& units) {
    Units<true>(lattice, units).run();
}

void round_free_signs(const FrozenLattice& lattice, const UnitBlock& units) {
    Units<false>(lattice, units).run();
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(round_even_signs);
HWY_EXPORT(round_free_signs);

void round_units(const FrozenLattice& lattice, const UnitBlock& units) {
    if (lattice.even_signs) {
        HWY_DYNAMIC_DISPATCH(round_even_signs)(lattice, units);
    } else {
        HWY_DYNAMIC_DISPATCH(round_free_signs)(lattice, units);
    }
}

}  // namespace bitgauge
#endif  // HWY_ONCE
