#pragma once

// Inputs and weights for tests and benchmarks of rounding, from a seed.

#include <cstddef>
#include <vector>

#include "rounding/input_moments.h"

namespace bitgauge {

// Gaussian inputs whose covariance has the eigenvalues i^-decay in random directions, times a
// lognormal size of each channel. Decay 0: white but for those sizes.
class SyntheticInput {
  public:
    SyntheticInput(size_t width, double decay, unsigned seed);

    // `tokens` rows; other seeds give other tokens.
    std::vector<float> tokens(size_t count, unsigned seed) const;

  private:
    size_t width_;
    std::vector<float> mixing_;  // width x width
};

InputMoments moments_of(size_t width, const std::vector<float>& xq,
                        const std::vector<float>& x = {});

// Heavy-tailed weights, size 0.02.
std::vector<float> synthetic_weights(size_t count, unsigned seed);

}  // namespace bitgauge
