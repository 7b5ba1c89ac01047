#pragma once

// Sizes, counts and names as people read them, and bits per weight as an exact fraction.

#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;  // 2^30 bytes
constexpr double kGB = 1e9;                        // 10^9 bytes

// "20.62 GiB", "35.29 MiB", "512 B".
std::string format_bytes(uint64_t bytes);

// "1,234,567".
std::string format_count(uint64_t count);

// "1 document", "1,200 documents", "3 blocks of 2 windows".
std::string counted(uint64_t count, const std::string& noun);

// "'a', 'b', 'c' and 4 more".
std::string some_of(const std::vector<std::string>& names);

// `bits` over `weights`, reduced to lowest terms; exact where a double is not.
struct BitsPerWeight {
    uint64_t bits = 0;
    uint64_t weights = 1;

    double value() const { return static_cast<double>(bits) / static_cast<double>(weights); }
};

// Requires weights > 0.
BitsPerWeight bits_per_weight(uint64_t bytes, uint64_t weights);

}  // namespace bitgauge
