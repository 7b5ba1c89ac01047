#pragma once

// How disturbances of single tensors join; for `cost` and `report`.

#include <vector>

#include "bitgauge/cost.h"

namespace bitgauge {

// What activations of 8 bits add to the relative error of a quantized tensor: the error of Q8_0 on
// normally distributed values, measured 2.9e-5.
constexpr double kActivationError = 3e-5;

// A tensor in a type: its two parts of D.
struct Disturbed {
    double smooth = 0;     // nats
    double switching = 0;  // nats, before it is joined with others'
};

// `error` 0: not quantized at all.
Disturbed disturbed(const Sensitivity& sensitivity, double error);

// D of the tensors together.
double joined(const std::vector<Disturbed>& tensors, double norm);

}  // namespace bitgauge
