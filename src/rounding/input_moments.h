#pragma once

// Second moments of what a matrix is multiplied with, as sums over tokens.
//
// x is the input in the original model, xq in the model quantized up to there. The size is
// width^2 floats, twice that with a shift. Not thread-safe; a thread of its own each, then merge().

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bitgauge/error.h"

namespace bitgauge {

struct InputMoments {
    size_t width = 0;  // channels; set before anything is added
    uint64_t tokens = 0;
    // Sum of xq xq^T, width x width: the lower triangle with the diagonal, zero above. Empty while
    // there are no tokens.
    std::vector<float> second;
    // Sum of (x - xq) xq^T, width x width, row i the channel i of x. Empty: x = xq in every token.
    std::vector<float> shift;

    // Rows of `width`, one a token. `x` is empty where it equals xq. Each call passes over the
    // whole matrices, so give some hundred rows at once. Rounded in blocks: of a million tokens,
    // each sum is right to a few 1e-5.
    void add(std::span<const float> xq, std::span<const float> x);

    // As if the other's tokens had been added here.
    void merge(const InputMoments& other);

    // The other's sums and number of tokens times `factor`, which is not negative: the moments of
    // many as a prior of few.
    void add_scaled(const InputMoments& other, double factor);

    // The other's mean over its tokens, as if `count` tokens had it; nothing where it has none.
    void add_prior(const InputMoments& other, double count);
};

// Error(kNotFinite) that names them.
Error not_finite(const InputMoments& moments);

}  // namespace bitgauge
