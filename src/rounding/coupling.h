#pragma once

// What coordinate descent on tr(E H' E^T) needs: with everything else in place, the best value of
// channel k is nearest to w_k + sum over i != k of e_i H'_ik / H'_kk; of a unit u, to
// w_u + sum over i outside of e_i H'_iu H'_uu^-1 in the metric H'_uu.

#include <vector>

#include "rounding/factor.h"
#include "rounding/input_moments.h"
#include "rounding/unit_metric.h"

namespace bitgauge {

struct Coupling {
    std::vector<float> matrix;        // width x width, in the factor's order; own parts: not read
    std::vector<UnitMetric> metrics;  // of units; empty for single channels
};

// Of channels, or of units of eight; `factor` has runs of so many.
Coupling couple_channels(const InputMoments& moments, const Factor& factor);
Coupling couple_units(const InputMoments& moments, const Factor& factor);

}  // namespace bitgauge
