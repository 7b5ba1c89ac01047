#include "rounding/factor.h"

#include <algorithm>
#include <numeric>

#include "linear/blas.h"
#include "rounding/symmetric.h"

namespace bitgauge {
namespace {

constexpr double kFirstEpsilon = 1e-6;

std::vector<uint32_t> falling_order(std::span<const float> diagonal, size_t unit) {
    std::vector<uint32_t> runs(diagonal.size() / unit);
    std::vector<double> sums(runs.size());
    for (size_t i = 0; i < diagonal.size(); ++i) sums[i / unit] += diagonal[i];
    std::iota(runs.begin(), runs.end(), 0U);
    std::stable_sort(runs.begin(), runs.end(),
                     [&](uint32_t a, uint32_t b) { return sums[a] > sums[b]; });
    std::vector<uint32_t> order(diagonal.size());
    for (size_t k = 0; k < order.size(); ++k) {
        order[k] = static_cast<uint32_t>(runs[k / unit] * unit + k % unit);
    }
    return order;
}

// H' with rows and columns in `order`, both halves.
std::vector<float> damped(const InputMoments& moments, double damping,
                          std::span<const float> diagonal, std::span<const uint32_t> order) {
    const size_t width = moments.width;
    std::vector<float> matrix = moments.second;
    const auto factor = static_cast<float>((1 - damping) / static_cast<double>(moments.tokens));
    for (float& value : matrix) value *= factor;
    for (size_t i = 0; i < width; ++i) matrix[i * width + i] = diagonal[i];
    mirror_lower(matrix, width);
    permute(matrix, order);
    return matrix;
}

// U D^1/2 from L of the matrix in reversed order.
void split_factor(std::vector<float>& lower, Factor& factor) {
    const size_t width = factor.width;
    std::reverse(lower.begin(), lower.end());
    factor.upper = std::move(lower);
    factor.pivots.resize(width);
    std::vector<float> inverses(width);
    for (size_t k = 0; k < width; ++k) {
        const float root = factor.upper[k * width + k];
        factor.pivots[k] = root * root;
        inverses[k] = 1 / root;
    }
    for (size_t i = 0; i < width; ++i) {
        for (size_t k = i + 1; k < width; ++k) factor.upper[i * width + k] *= inverses[k];
    }
}

}  // namespace

std::vector<float> damped_diagonal(const InputMoments& moments, double epsilon) {
    const size_t width = moments.width;
    const auto tokens = static_cast<double>(moments.tokens);
    std::vector<double> diagonal(width);
    for (size_t i = 0; i < width; ++i) diagonal[i] = moments.second[i * width + i] / tokens;
    const double mean = std::reduce(diagonal.begin(), diagonal.end()) / static_cast<double>(width);
    std::vector<float> damped(width, 1.0F);
    if (!(mean > 0)) return damped;
    for (size_t i = 0; i < width; ++i) {
        damped[i] = static_cast<float>(diagonal[i] + epsilon * mean);
    }
    return damped;
}

std::vector<float> damped_moments(const InputMoments& moments, const Factor& factor) {
    return damped(moments, factor.damping, damped_diagonal(moments, factor.epsilon), factor.order);
}

Factor factor_moments(const InputMoments& moments, double damping, size_t unit) {
    Factor factor;
    factor.width = moments.width;
    factor.damping = damping;
    for (factor.epsilon = kFirstEpsilon;; factor.epsilon *= 10) {
        const std::vector<float> diagonal = damped_diagonal(moments, factor.epsilon);
        factor.order = falling_order(diagonal, unit);
        std::vector<uint32_t> reversed(factor.order.rbegin(), factor.order.rend());
        std::vector<float> matrix = damped(moments, damping, diagonal, reversed);
        if (!factor_cholesky({matrix.data(), factor.width, factor.width, factor.width})) continue;
        split_factor(matrix, factor);
        factor.gain = std::reduce(factor.pivots.begin(), factor.pivots.end(), 0.0) /
                      std::reduce(diagonal.begin(), diagonal.end(), 0.0);
        return factor;
    }
}

}  // namespace bitgauge
