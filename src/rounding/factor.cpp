#include "rounding/factor.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rounding/cholesky.h"
#include "rounding/feedback_kernel.h"
#include "rounding/parallel_rows.h"
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

// What the damping leaves of the second moments off the diagonal, per token.
float scale_of(const InputMoments& moments, double damping) {
    return static_cast<float>((1 - damping) / static_cast<double>(moments.tokens));
}

// The upper half of H' in `order`.
TiledTriangle damped_tiles(const InputMoments& moments, double damping,
                           std::span<const float> diagonal, std::span<const uint32_t> order) {
    TiledTriangle matrix = permuted_tiles(moments.second, scale_of(moments, damping), order);
    for (size_t i = 0; i < order.size(); ++i) matrix.at(i, i) = diagonal[order[i]];
    return matrix;
}

// What tile (i, j) of R has above the diagonal, into U: each column backwards into a row, each row
// divided by its root.
void turn_tile(const TiledTriangle& root, size_t i, size_t j, std::span<const float> inverses,
               std::vector<float>& upper) {
    const size_t last = root.width() - 1;
    const size_t columns = std::min(kSide, root.width() - j * kSide);
    const float* inverse = inverses.data() + last - i * kSide;
    for (size_t c = 0; c < columns; ++c) {
        const float* from = root.tile(i, j) + c;
        float* to = upper.data() + (last - j * kSide - c) * root.width() + last - i * kSide;
        const size_t rows = i == j ? c : kSide;
        for (size_t r = 0; r < rows; ++r) *(to - r) = from[r * kSide] * *(inverse - r);
    }
}

// U and D of the matrix in reversed order, R^T R: U D^1/2 is R^T read backwards.
void split_factor(const TiledTriangle& root, Factor& factor) {
    const size_t width = factor.width;
    std::vector<float> inverses(width);
    factor.pivots.resize(width);
    for (size_t k = 0; k < width; ++k) {
        const float pivot = root.at(width - 1 - k, width - 1 - k);
        factor.pivots[k] = pivot * pivot;
        inverses[k] = 1 / pivot;
    }
    factor.upper.resize(width * width);
    for_each_row(0, root.tiles(), width, [&](size_t j) {
        for (size_t i = 0; i <= j; ++i) turn_tile(root, i, j, inverses, factor.upper);
    });
}

double trace(const InputMoments& moments) {
    double sum = 0;
    for (size_t i = 0; i < moments.width; ++i) sum += moments.second[i * (moments.width + 1)];
    return sum;
}

// False where H' has no factor, as where what is off its diagonal is not finite.
bool try_factor(const InputMoments& moments, std::span<const float> diagonal, Factor& factor) {
    const std::vector<uint32_t> reversed(factor.order.rbegin(), factor.order.rend());
    TiledTriangle root = damped_tiles(moments, factor.damping, diagonal, reversed);
    if (!factor_cholesky_tiled(root)) return false;
    split_factor(root, factor);
    factor.gain = std::reduce(factor.pivots.begin(), factor.pivots.end(), 0.0) /
                  std::reduce(diagonal.begin(), diagonal.end(), 0.0);
    return true;
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
    const size_t width = moments.width;
    std::vector<float> matrix = mirrored(moments.second, width, scale_of(moments, factor.damping));
    const std::vector<float> diagonal = damped_diagonal(moments, factor.epsilon);
    for (size_t i = 0; i < width; ++i) matrix[i * width + i] = diagonal[i];
    permute(matrix, factor.order);
    return matrix;
}

Factor factor_moments(const InputMoments& moments, double damping, size_t unit) {
    if (!std::isfinite(trace(moments))) throw not_finite(moments);
    Factor factor;
    factor.width = moments.width;
    factor.damping = damping;
    for (factor.epsilon = kFirstEpsilon;; factor.epsilon *= 10) {
        const std::vector<float> diagonal = damped_diagonal(moments, factor.epsilon);
        factor.order = falling_order(diagonal, unit);
        if (try_factor(moments, diagonal, factor)) return factor;
        if (!are_finite(moments.second)) throw not_finite(moments);
    }
}

}  // namespace bitgauge
