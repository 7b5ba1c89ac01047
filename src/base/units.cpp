#include "base/units.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

namespace bitgauge {

std::string format_bytes(uint64_t bytes) {
    constexpr std::array<const char*, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    while (value >= 1024.0 && unit + 1 < kNames.size()) {
        value /= 1024.0;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.2f} {}", value, kNames[unit]);
}

std::string format_count(uint64_t count) {
    std::string digits = fmt::format("{}", count);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<size_t>(at), 1, ',');
    }
    return digits;
}

BitsPerWeight bits_per_weight(uint64_t bytes, uint64_t weights) {
    const uint64_t bits = bytes * 8;
    const uint64_t divisor = std::gcd(bits, weights);
    return {bits / divisor, weights / divisor};
}

std::string counted(uint64_t count, const std::string& noun) {
    const size_t end = std::min(noun.find(" of "), noun.size());
    return fmt::format("{} {}{}{}", format_count(count), noun.substr(0, end), count == 1 ? "" : "s",
                       noun.substr(end));
}

std::string some_of(const std::vector<std::string>& names) {
    constexpr size_t kShown = 3;
    std::string text;
    for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
        text += fmt::format("{}'{}'", i == 0 ? "" : ", ", names[i]);
    }
    return names.size() <= kShown ? text
                                  : fmt::format("{} and {} more", text, names.size() - kShown);
}

}  // namespace bitgauge
