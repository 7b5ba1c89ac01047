#include "rounding/lattice_table.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace bitgauge {

LatticeTable::LatticeTable(const FrozenLattice& frozen) {
    const Lattice& lattice = Lattice::of(frozen.kind);
    const uint32_t mask = (1U << lattice.level_bits()) - 1;
    dims_ = lattice.dims();
    assert(lattice.grid_size() <= kIndexMask + 1);
    for (size_t index = 0; index < lattice.grid_size(); ++index) {
        const uint32_t code = lattice.code_at(static_cast<uint32_t>(index));
        for (size_t i = 0; i < dims_; ++i) {
            values_.push_back(frozen.values[code >> i * lattice.level_bits() & mask]);
        }
    }
    for (size_t index = 0; index < lattice.grid_size(); ++index) {
        const float* point = values_.data() + index * dims_;
        const uint16_t first = half_of(point);
        const uint16_t second = half_of(point + dims_ / 2);
        auto run = std::find_if(runs_.begin(), runs_.end(),
                                [&](const Run& r) { return r.first_half == first; });
        if (run == runs_.end()) run = runs_.insert(run, {first, {}});
        run->points.push_back({second, static_cast<uint16_t>(index)});
    }
    assert(halves() <= kMostHalves);
}

uint16_t LatticeTable::half_of(const float* values) {
    const size_t half = dims_ / 2;
    for (size_t h = 0; h < halves(); ++h) {
        if (std::equal(values, values + half, half_values(h))) return static_cast<uint16_t>(h);
    }
    half_values_.insert(half_values_.end(), values, values + half);
    return static_cast<uint16_t>(halves() - 1);
}

const LatticeTable& LatticeTable::of(const FrozenLattice& frozen) {
    switch (frozen.kind) {
        case LatticeKind::kIq2Xxs: {
            static const LatticeTable table(frozen);
            return table;
        }
        case LatticeKind::kIq2Xs: {
            static const LatticeTable table(frozen);
            return table;
        }
        case LatticeKind::kIq2S: {
            static const LatticeTable table(frozen);
            return table;
        }
        case LatticeKind::kIq3Xxs: {
            static const LatticeTable table(frozen);
            return table;
        }
        default: {
            static const LatticeTable table(frozen);
            return table;
        }
    }
}

}  // namespace bitgauge
