#pragma once

// A type's grid as a search over all of its points wants it: points with the same first half
// together, so that what a half costs is computed once. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qtype/frozen_lattice.h"

#include "rounding/aligned.h"

namespace bitgauge {

class LatticeTable {
  public:
    static constexpr size_t kMostHalves = 128;
    // A point's index is carried in the lowest bits of its cost.
    static constexpr uint32_t kIndexMask = 1023;

    // Of the grids of frozen_lattice(); built on the first call.
    static const LatticeTable& of(const FrozenLattice& frozen);

    size_t dims() const { return dims_; }
    size_t points() const { return values_.size() / dims_; }
    size_t halves() const { return half_values_.size() / (dims_ / 2); }
    // dims / 2 values of a half.
    const float* half_values(size_t half) const { return half_values_.data() + half * dims_ / 2; }

    struct Point {
        uint16_t second_half;
        uint16_t index;  // ggml's
    };
    struct Run {
        uint16_t first_half;
        std::vector<Point> points;
    };
    std::span<const Run> runs() const { return runs_; }

    // Value i of ggml's point at [index * dims + i].
    const float* values() const { return values_.data(); }

  private:
    explicit LatticeTable(const FrozenLattice& frozen);
    uint16_t half_of(const float* values);

    size_t dims_;
    std::vector<float> half_values_;
    std::vector<Run> runs_;
    AlignedVector<float> values_;
};

}  // namespace bitgauge
