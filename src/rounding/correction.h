#pragma once

// The target of weights whose input has been changed by layers quantized before:
//   W* = W + alpha W D H'^-1,  D = E[(x - xq) xq^T],
// the least squares solution of W x by W* xq for alpha 1 (as in GPTAQ, Li et al. 2025), by two
// triangular solutions with the factor of H'. Thread-safe once it is made.

#include <span>

#include "rounding/factor.h"
#include "rounding/input_moments.h"

namespace bitgauge {

class Correction {
  public:
    // `moments` and `factor`, which has runs of one channel, outlive this. Nothing is done where
    // there is no shift or alpha is 0. Error(kNotFinite) where a shift that is used is not finite.
    Correction(const InputMoments& moments, const Factor& factor, double alpha);

    void set_alpha(double alpha);

    // W to W*, kTileRows rows.
    void apply(std::span<float> weights) const;

  private:
    const InputMoments& moments_;
    const Factor& factor_;
    double alpha_ = 0;
    bool is_checked_ = false;
};

}  // namespace bitgauge
