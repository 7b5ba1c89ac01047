#pragma once

// The damped second moments of an input, factored for feedback.
//
// H' = (1 - lambda) H + lambda diag(H) + eps mean(diag H) I, per token, in the order in which
// channels are rounded, is U D U^T with U upper triangular and ones on the diagonal. Then
//   tr(E H' E^T) = sum over k of D_k |E U_k|^2,
// U_k the column k, so rounding channel k of w to the value nearest to w_k + sum over i < k of
// e_i U_ik leaves no term larger than its own rounding (LDLQ, Chee et al. 2023). Nothing is
// inverted.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rounding/input_moments.h"

namespace bitgauge {

struct Factor {
    size_t width = 0;
    std::vector<uint32_t> order;  // order[k]: the channel that comes k-th
    std::vector<float> upper;     // U, width x width; below the diagonal and on it: not to be read
    std::vector<float> pivots;    // D
    double damping = 0;           // lambda
    double epsilon = 0;           // eps
    double gain = 1;              // tr(D) / tr(H')
};

// Channels in runs of `unit`, which divides the width, runs in the order of falling diagonal. The
// eps grows tenfold from 1e-6 until H' has a factor. Moments have tokens. Error(kNotFinite) for
// second moments that are not finite.
Factor factor_moments(const InputMoments& moments, double damping, size_t unit);

// H' itself in the order of its factor, both halves.
std::vector<float> damped_moments(const InputMoments& moments, const Factor& factor);

// The diagonal of H', per token: ones where all of it is zero.
std::vector<float> damped_diagonal(const InputMoments& moments, double epsilon);

}  // namespace bitgauge
