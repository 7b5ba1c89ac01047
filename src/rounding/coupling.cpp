#include "rounding/coupling.h"

#include <array>
#include <cmath>

namespace bitgauge {
namespace {

using Square = std::array<std::array<double, kUnitWeights>, kUnitWeights>;

Square own_part(const std::vector<float>& matrix, size_t width, size_t first) {
    Square part{};
    for (size_t i = 0; i < kUnitWeights; ++i) {
        for (size_t k = 0; k < kUnitWeights; ++k) {
            part[i][k] = matrix[(first + i) * width + first + k];
        }
    }
    return part;
}

// By elimination without pivots, of a positive definite matrix.
Square inverse_of(Square left) {
    Square right{};
    for (size_t k = 0; k < kUnitWeights; ++k) right[k][k] = 1;
    for (size_t k = 0; k < kUnitWeights; ++k) {
        const double pivot = left[k][k];
        for (size_t j = 0; j < kUnitWeights; ++j) {
            left[k][j] /= pivot;
            right[k][j] /= pivot;
        }
        for (size_t i = 0; i < kUnitWeights; ++i) {
            const double factor = i == k ? 0 : left[i][k];
            for (size_t j = 0; j < kUnitWeights; ++j) {
                left[i][j] -= factor * left[k][j];
                right[i][j] -= factor * right[k][j];
            }
        }
    }
    return right;
}

void multiply(float* row, const Square& by) {
    std::array<double, kUnitWeights> product{};
    for (size_t k = 0; k < kUnitWeights; ++k) {
        for (size_t i = 0; i < kUnitWeights; ++i) product[k] += double{row[i]} * by[i][k];
    }
    for (size_t k = 0; k < kUnitWeights; ++k) row[k] = static_cast<float>(product[k]);
}

}  // namespace

Coupling couple_channels(const InputMoments& moments, const Factor& factor) {
    Coupling coupling{damped_moments(moments, factor), {}};
    const size_t width = factor.width;
    std::vector<float> inverses(width);
    for (size_t k = 0; k < width; ++k) inverses[k] = 1 / coupling.matrix[k * width + k];
    for (size_t i = 0; i < width; ++i) {
        for (size_t k = 0; k < width; ++k) coupling.matrix[i * width + k] *= inverses[k];
    }
    return coupling;
}

Coupling couple_units(const InputMoments& moments, const Factor& factor) {
    Coupling coupling{damped_moments(moments, factor), {}};
    const size_t width = factor.width;
    for (size_t first = 0; first < width; first += kUnitWeights) {
        const Square part = own_part(coupling.matrix, width, first);
        const Square inverse = inverse_of(part);
        coupling.metrics.push_back(unit_metric(part));
        for (size_t i = 0; i < width; ++i)
            multiply(coupling.matrix.data() + i * width + first, inverse);
    }
    return coupling;
}

}  // namespace bitgauge
