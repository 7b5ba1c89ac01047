#pragma once

// How rounding eight consecutive channels at once is judged, and how their errors are fed back.

#include <array>
#include <cstddef>
#include <vector>

#include "qtype/frozen_lattice.h"

#include "rounding/factor.h"

namespace bitgauge {

// An error e (a row of eight) costs e S e^T with S = U_uu D_u U_uu^T, the unit's own part of the
// factor. What the first half costs by itself, the second being free, is e_1 A e_1^T with
// A = S_11 - S_12 S_22^-1 S_21, and then the second's target is t_2 + e_1 C, C = S_12 S_22^-1.
struct UnitMetric {
    static constexpr size_t kHalf = kUnitWeights / 2;

    std::array<float, kUnitWeights * kUnitWeights> full;  // S
    std::array<float, kHalf * kHalf> first;               // A
    std::array<float, kHalf * kHalf> carry;               // C
};

// Makes `factor`, which has runs of eight channels, one of units: its columns become
// U_iu U_uu^-1, what an error before the unit adds to its target. Returns the units' metrics.
std::vector<UnitMetric> join_units(Factor& factor);

// The metric of a symmetric positive definite S of eight.
UnitMetric unit_metric(const std::array<std::array<double, kUnitWeights>, kUnitWeights>& square);

}  // namespace bitgauge
