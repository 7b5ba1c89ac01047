#include "qtype/encode_testing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "qtype/encoders.h"

namespace bitgauge {
namespace {

constexpr size_t kBlock = 32;

// Uniform in [0, 1), from the generator's bits alone: distributions of the standard library differ.
float unit(std::mt19937& random) {
    return static_cast<float>(random() >> 8U) * 0x1.0p-24F;
}

// Irwin and Hall's sum of twelve uniforms: near normal, variance one.
float normal(std::mt19937& random) {
    float sum = -6.0F;
    for (int i = 0; i < 12; ++i) sum += unit(random);
    return sum;
}

float sign(std::mt19937& random) {
    return (random() & 1U) != 0 ? 1.0F : -1.0F;
}

float outlier(std::mt19937& random) {
    return random() % 61 == 0 ? 40.0F * normal(random) : 0.02F * normal(random);
}

float tie(std::mt19937& random) {
    return 0.5F * static_cast<float>(static_cast<int>(random() % 33U) - 16);
}

float abs_max_tie(std::mt19937& random) {
    return random() % 5 == 0 ? sign(random) * 3.0F : normal(random) * 0.7F;
}

float tiny(std::mt19937& random) {
    return std::ldexp(normal(random), -44 - static_cast<int>(random() % 16U));
}

float huge(std::mt19937& random) {
    return std::ldexp(normal(random), 40 + static_cast<int>(random() % 80U));
}

float zero_blocks(std::mt19937& random, size_t at) {
    switch (at / kBlock % 4) {
        case 0:
            return 0.0F;
        case 1:
            return random() % 3 == 0 ? -0.0F : 0.0F;
        case 2:
            return std::abs(normal(random)) * static_cast<float>(random() % 2);
        default:
            return normal(random);
    }
}

// Every block starts with its largest weight, from which formats take the scale: a power of two, or
// just below one, for some format.
float bounds(std::mt19937& random, size_t at, float& largest, int& exponent) {
    constexpr std::array kLargest = {-127.0F, 127.0F, -8.0F,  8.0F,          -16.0F,
                                     12.0F,   15.0F,  -32.0F, 0x1.fffffep3F, 0x1.fffffcp5F};
    if (at % kBlock == 0) {
        largest = kLargest[random() % kLargest.size()];
        exponent = static_cast<int>(random() % 120U) - 60;
        return std::ldexp(largest, exponent);
    }
    const auto halves = static_cast<int>(2 * std::abs(largest));
    float weight =
        0.5F * static_cast<float>(static_cast<int>(random() % static_cast<uint32_t>(halves + 1)));
    const float toward = (random() & 1U) != 0 ? 0.0F : 1000.0F;
    for (uint32_t step = random() % 3; step > 0; --step) weight = std::nextafter(weight, toward);
    return std::ldexp(std::min(weight, std::abs(largest)) * sign(random), exponent);
}

std::vector<float> bounds_weights(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    float largest = 0;
    int exponent = 0;
    std::vector<float> weights(count);
    for (size_t i = 0; i < count; ++i) weights[i] = bounds(random, i, largest, exponent);
    return weights;
}

float mixed_scales(std::mt19937& random, size_t at) {
    constexpr std::array kScales = {1.0F, 1e-4F, 3e3F, 1e-9F, 0.02F, 1e-20F};
    return normal(random) * kScales[at / (kBlock / 2) % kScales.size()];
}

float pattern_weight(Pattern pattern, size_t at, std::mt19937& random) {
    switch (pattern) {
        case Pattern::kZeros:
            return 0.0F;
        case Pattern::kConstant:
            return 0.37F;
        case Pattern::kNegativeConstant:
            return -0.37F;
        case Pattern::kTies:
            return tie(random);
        case Pattern::kAbsMaxTies:
            return abs_max_tie(random);
        case Pattern::kOutliers:
            return outlier(random);
        case Pattern::kTiny:
            return tiny(random);
        case Pattern::kHuge:
            return huge(random);
        case Pattern::kDenormal:
            return std::ldexp(normal(random), -135);
        case Pattern::kNormal:
            return 0.02F * normal(random);
        case Pattern::kUniform:
            return 2.0F * unit(random) - 1.0F;
        case Pattern::kAllPositive:
            return 0.5F + unit(random);
        case Pattern::kAllNegative:
            return -0.5F - unit(random);
        case Pattern::kZeroBlocks:
            return zero_blocks(random, at);
        case Pattern::kMixedScales:
            return mixed_scales(random, at);
        case Pattern::kBounds:  // not weight by weight
        case Pattern::kCount:
            break;
    }
    return std::numeric_limits<float>::quiet_NaN();
}

float damaged(float square, std::mt19937& random) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    switch (random() % 64) {
        case 0:
            return std::numeric_limits<float>::quiet_NaN();
        case 1:
            return kInfinity;
        case 2:
            return -square;
        case 3:
            return 1e30F;
        default:
            return square;
    }
}

float importance_value(Importance importance, std::mt19937& random) {
    const float square = std::pow(normal(random), 2.0F) + 1e-3F;
    switch (importance) {
        case Importance::kWithZeros:
            return random() % 3 == 0 ? 0.0F : square;
        case Importance::kWide:
            return std::ldexp(square, static_cast<int>(random() % 40U) - 20);
        case Importance::kDamaged:
            return damaged(square, random);
        default:
            return square;
    }
}

std::string first_difference(const QType& type, std::span<const std::byte> ours,
                             std::span<const std::byte> reference) {
    const auto at = std::mismatch(ours.begin(), ours.end(), reference.begin()).first;
    const auto byte = static_cast<size_t>(at - ours.begin());
    if (byte == ours.size()) return {};
    return fmt::format("block {} byte {}: {:02x}, by ggml {:02x}", byte / type.block_bytes,
                       byte % type.block_bytes, static_cast<unsigned>(ours[byte]),
                       static_cast<unsigned>(reference[byte]));
}

}  // namespace

std::string pattern_name(Pattern pattern) {
    constexpr std::array kNames = {"zeros",        "constant",    "negative constant",
                                   "ties",         "absmax ties", "outliers",
                                   "tiny",         "huge",        "denormal",
                                   "normal",       "uniform",     "all positive",
                                   "all negative", "zero blocks", "bounds",
                                   "mixed scales"};
    static_assert(kNames.size() == static_cast<size_t>(Pattern::kCount));
    return kNames[static_cast<size_t>(pattern)];
}

std::vector<float> pattern_weights(Pattern pattern, size_t count, uint32_t seed) {
    if (pattern == Pattern::kBounds) return bounds_weights(count, seed);
    std::mt19937 random(seed);
    std::vector<float> weights(count);
    for (size_t i = 0; i < count; ++i) weights[i] = pattern_weight(pattern, i, random);
    return weights;
}

std::string importance_name(Importance importance) {
    constexpr std::array kNames = {"no importance", "importance", "importance with zeros",
                                   "wide importance", "damaged importance"};
    return kNames[static_cast<size_t>(importance)];
}

std::vector<float> importance_values(Importance importance, size_t row_weights, uint32_t seed) {
    if (importance == Importance::kNone) return {};
    std::mt19937 random(seed);
    std::vector<float> values(row_weights);
    for (float& value : values) value = importance_value(importance, random);
    return values;
}

void expect_reference_bytes(int type_id, std::span<const float> in, size_t row_weights,
                            std::span<const float> importance, const std::string& what) {
    const QType& type = *type_by_id(type_id);
    std::vector<std::byte> ours(type.row_bytes(in.size()), std::byte{0xA5});
    std::vector<std::byte> reference(ours.size(), std::byte{0x5A});
    encode_rows(type_id, in, row_weights, importance, ours);
    encode_by_ggml(type_id, in.data(), in.size() / row_weights, row_weights,
                   importance.empty() ? nullptr : importance.data(), reference.data());
    EXPECT_EQ(first_difference(type, ours, reference), "")
        << type.name << ", " << what << ", " << in.size() / row_weights << " rows of "
        << row_weights;
}

}  // namespace bitgauge
