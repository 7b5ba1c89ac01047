#include "report/numbers.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace bitgauge {
namespace {

// Below this the zeros behind the point outnumber the digits.
constexpr double kSmallestFixed = 5e-7;

std::string with_half_width(double value, double half) {
    if (half < kSmallestFixed && half > 0) return fmt::format("{:.2e}±{:.1e}", value, half);
    const int decimals =
        half > 0 ? std::clamp(1 - static_cast<int>(std::floor(std::log10(half))), 0, 8) : 6;
    return fmt::format("{:.{}f}±{:.{}f}", value, decimals, half, decimals);
}

}  // namespace

std::string format_estimate(const Estimate& estimate, double scale) {
    if (std::isnan(estimate.value)) return "n/a";
    if (!estimate.has_interval()) return format_number(estimate.value * scale) + "±n/a";
    return with_half_width(estimate.value * scale, estimate.half_width() * scale);
}

std::string format_share(const Estimate& share) {
    if (!share.has_interval()) return format_fixed(100 * share.value, 1);
    return fmt::format("{:.1f} [{:.1f}, {:.1f}]", 100 * share.value, 100 * share.low,
                       100 * share.high);
}

std::string format_number(double value) {
    if (std::isnan(value)) return "n/a";
    if (std::abs(value) >= 1000) return fmt::format("{:.1f}", value);
    return fmt::format("{:.4g}", value);
}

std::string format_size(double size) {
    return fmt::format("{:.{}f}", size, size < 0.1 ? 4 : 2);
}

std::string format_fixed(double value, int decimals) {
    return std::isnan(value) ? "n/a" : fmt::format("{:.{}f}", value, decimals);
}

}  // namespace bitgauge
