#pragma once

// Numbers as tables print them: an estimate carries two significant digits of its half-width and
// the value no more digits than that.

#include <string>

#include "bitgauge/estimate.h"

namespace bitgauge {

// "0.01021±0.00031", "1.23e-05±4.0e-07", "6.55±n/a", "n/a" for NaN. `scale` multiplies both
// (100: per cent).
std::string format_estimate(const Estimate& estimate, double scale = 1);

// A share in per cent with its interval: "25.2 [21.2, 29.7]", "25.2", "n/a" for NaN.
std::string format_share(const Estimate& share);

// A number without an interval: four significant digits, "n/a" for NaN.
std::string format_number(double value);

// Of a file in GiB or GB: small models have nothing before the third decimal.
std::string format_size(double size);

// With a fixed number of decimals, "n/a" for NaN.
std::string format_fixed(double value, int decimals);

}  // namespace bitgauge
