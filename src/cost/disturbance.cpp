#include "cost/disturbance.h"

#include <cmath>

namespace bitgauge {

Disturbed disturbed(const Sensitivity& sensitivity, double error) {
    if (error <= 0) return {};
    const double whole = error + kActivationError;
    return {sensitivity.smooth * whole, sensitivity.switching * std::sqrt(whole)};
}

double joined(const std::vector<Disturbed>& tensors, double norm) {
    double smooth = 0, power = 0;
    for (const Disturbed& one : tensors) {
        smooth += one.smooth;
        power += std::pow(one.switching, norm);
    }
    return smooth + std::pow(power, 1 / norm);
}

}  // namespace bitgauge
