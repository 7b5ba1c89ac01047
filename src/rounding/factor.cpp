#include "rounding/factor.h"

#include <algorithm>
#include <numeric>

#include "rounding/cholesky.h"
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

// H' with rows and columns in `order`.
std::vector<float> damped(const InputMoments& moments, double damping,
                          std::span<const float> diagonal, std::span<const uint32_t> order,
                          Half half) {
    const size_t width = moments.width;
    const auto factor = static_cast<float>((1 - damping) / static_cast<double>(moments.tokens));
    std::vector<float> matrix = mirrored(moments.second, width, factor);
    for (size_t i = 0; i < width; ++i) matrix[i * width + i] = diagonal[i];
    permute(matrix, order, half);
    return matrix;
}

// Reads row `from` of L backwards into row `to` of U, each column divided by its pivot's root.
void turn_row(const float* from, std::span<const float> inverses, size_t to, float* upper) {
    const size_t width = inverses.size();
    for (size_t k = to + 1; k < width; ++k) upper[k] = from[width - 1 - k] * inverses[k];
}

// U and D from L of the matrix in reversed order: U D^1/2 is L read backwards.
void split_factor(std::vector<float>& lower, Factor& factor) {
    const size_t width = factor.width;
    factor.pivots.resize(width);
    std::vector<float> inverses(width);
    for (size_t k = 0; k < width; ++k) {
        const float root = lower[(width - 1 - k) * (width + 1)];
        factor.pivots[k] = root * root;
        inverses[k] = 1 / root;
    }
    std::vector<float> spare(width);
    for (size_t i = 0; i < (width + 1) / 2; ++i) {
        float* top = lower.data() + i * width;
        float* bottom = lower.data() + (width - 1 - i) * width;
        std::copy_n(top, width, spare.begin());
        turn_row(bottom, inverses, i, top);
        turn_row(spare.data(), inverses, width - 1 - i, bottom);
    }
    factor.upper = std::move(lower);
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
    return damped(moments, factor.damping, damped_diagonal(moments, factor.epsilon), factor.order,
                  Half::kBoth);
}

Factor factor_moments(const InputMoments& moments, double damping, size_t unit) {
    Factor factor;
    factor.width = moments.width;
    factor.damping = damping;
    for (factor.epsilon = kFirstEpsilon;; factor.epsilon *= 10) {
        const std::vector<float> diagonal = damped_diagonal(moments, factor.epsilon);
        factor.order = falling_order(diagonal, unit);
        std::vector<uint32_t> reversed(factor.order.rbegin(), factor.order.rend());
        std::vector<float> matrix = damped(moments, damping, diagonal, reversed, Half::kLower);
        if (!factor_cholesky_blocked({matrix.data(), factor.width, factor.width, factor.width}))
            continue;
        split_factor(matrix, factor);
        factor.gain = std::reduce(factor.pivots.begin(), factor.pivots.end(), 0.0) /
                      std::reduce(diagonal.begin(), diagonal.end(), 0.0);
        return factor;
    }
}

}  // namespace bitgauge
