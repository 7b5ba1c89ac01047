#include "rounding/unit_metric.h"

namespace bitgauge {
namespace {

constexpr size_t kHalf = UnitMetric::kHalf;

using Square = std::array<std::array<double, kUnitWeights>, kUnitWeights>;
using HalfSquare = std::array<std::array<double, kHalf>, kHalf>;

// The unit's part of U, with its ones.
Square own_part(const Factor& factor, size_t first) {
    Square part{};
    for (size_t i = 0; i < kUnitWeights; ++i) {
        part[i][i] = 1;
        for (size_t k = i + 1; k < kUnitWeights; ++k) {
            part[i][k] = factor.upper[(first + i) * factor.width + first + k];
        }
    }
    return part;
}

// row U_uu^-1.
void divide(float* row, const Square& part) {
    for (size_t k = 1; k < kUnitWeights; ++k) {
        double value = row[k];
        for (size_t i = 0; i < k; ++i) value -= row[i] * part[i][k];
        row[k] = static_cast<float>(value);
    }
}

Square metric_of(const Square& part, const float* pivots) {
    Square metric{};
    for (size_t i = 0; i < kUnitWeights; ++i) {
        for (size_t j = 0; j < kUnitWeights; ++j) {
            for (size_t k = 0; k < kUnitWeights; ++k) {
                metric[i][j] += part[i][k] * part[j][k] * double{pivots[k]};
            }
        }
    }
    return metric;
}

// C of C S_22 = S_12, by elimination without pivots: S_22 is positive definite.
HalfSquare carry_of(const Square& metric) {
    HalfSquare left{};
    HalfSquare right{};
    for (size_t i = 0; i < kHalf; ++i) {
        for (size_t j = 0; j < kHalf; ++j) {
            left[i][j] = metric[kHalf + i][kHalf + j];
            right[i][j] = metric[kHalf + i][j];  // S_21: solves S_22 C^T = S_21
        }
    }
    for (size_t k = 0; k < kHalf; ++k) {
        for (size_t i = 0; i < kHalf; ++i) {
            if (i == k) continue;
            const double factor = left[i][k] / left[k][k];
            for (size_t j = 0; j < kHalf; ++j) left[i][j] -= factor * left[k][j];
            for (size_t j = 0; j < kHalf; ++j) right[i][j] -= factor * right[k][j];
        }
    }
    HalfSquare carry{};
    for (size_t i = 0; i < kHalf; ++i) {
        for (size_t j = 0; j < kHalf; ++j) carry[i][j] = right[j][i] / left[j][j];
    }
    return carry;
}

}  // namespace

UnitMetric unit_metric(const Square& metric) {
    const HalfSquare carry = carry_of(metric);
    UnitMetric rounded{};
    for (size_t i = 0; i < kUnitWeights; ++i) {
        for (size_t j = 0; j < kUnitWeights; ++j) {
            rounded.full[i * kUnitWeights + j] = static_cast<float>(metric[i][j]);
        }
    }
    for (size_t i = 0; i < kHalf; ++i) {
        for (size_t j = 0; j < kHalf; ++j) {
            double own = metric[i][j];
            for (size_t k = 0; k < kHalf; ++k) own -= carry[i][k] * metric[kHalf + k][j];
            rounded.first[i * kHalf + j] = static_cast<float>(own);
            rounded.carry[i * kHalf + j] = static_cast<float>(carry[i][j]);
        }
    }
    return rounded;
}

std::vector<UnitMetric> join_units(Factor& factor) {
    std::vector<UnitMetric> metrics;
    for (size_t first = 0; first < factor.width; first += kUnitWeights) {
        const Square part = own_part(factor, first);
        metrics.push_back(unit_metric(metric_of(part, factor.pivots.data() + first)));
        for (size_t i = 0; i < first; ++i) {
            divide(factor.upper.data() + i * factor.width + first, part);
        }
    }
    return metrics;
}

}  // namespace bitgauge
