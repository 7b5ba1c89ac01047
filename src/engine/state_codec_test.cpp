#include "engine/state_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "engine/engine_testing.h"

namespace bitgauge {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::byte> encoded(StatePrecision precision, const std::vector<float>& states) {
    std::vector<std::byte> bytes(state_bytes(precision, states.size()));
    encode_states(precision, states, bytes);
    return bytes;
}

std::vector<float> round_trip(StatePrecision precision, const std::vector<float>& states) {
    std::vector<float> back(states.size());
    decode_states(precision, encoded(precision, states), back);
    return back;
}

// The value of 16 bits by the definition of binary16 (IEEE 754) or of its truncated binary32.
double by_definition(StatePrecision precision, uint32_t code) {
    const int exponent_bits = precision == StatePrecision::kF16 ? 5 : 8;
    const int fraction_bits = 15 - exponent_bits;
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const uint32_t exponent = code >> fraction_bits & ((1U << exponent_bits) - 1);
    const double fraction = code & ((1U << fraction_bits) - 1);
    const double one = 1 << fraction_bits;
    return exponent == 0 ? std::ldexp(fraction / one, 1 - bias)
                         : std::ldexp(1 + fraction / one, static_cast<int>(exponent) - bias);
}

// All positive finite values in ascending order, and the one after the last, which infinity stands
// for.
std::vector<double> positive_values(StatePrecision precision) {
    const uint32_t infinity = precision == StatePrecision::kF16 ? 0x7C00 : 0x7F80;
    std::vector<double> values;
    for (uint32_t code = 0; code <= infinity; ++code) {
        values.push_back(by_definition(precision, code));
    }
    return values;
}

// To nearest, ties to the even code; the brute-force twin.
double nearest(const std::vector<double>& values, double x) {
    const auto above = std::ranges::lower_bound(values, std::abs(x));
    if (above == values.end()) return std::copysign(kInfinity, x);
    auto at = static_cast<size_t>(above - values.begin());
    if (at > 0) {
        const double up = values[at] - std::abs(x);
        const double down = std::abs(x) - values[at - 1];
        if (down < up || (down == up && (at - 1) % 2 == 0)) --at;
    }
    return std::copysign(at + 1 == values.size() ? kInfinity : values[at], x);
}

std::vector<float> hard_values(const std::vector<double>& values) {
    std::vector<float> hard = {0.0F, -0.0F, kInfinity, -kInfinity};
    for (size_t i = 0; i + 1 < values.size(); i += 13) {
        const auto low = static_cast<float>(values[i]);
        const auto middle = static_cast<float>((values[i] + values[i + 1]) / 2);
        for (const float x :
             {low, middle, std::nextafter(middle, 0.0F), std::nextafter(middle, kInfinity)}) {
            hard.push_back(x);
            hard.push_back(-x);
        }
    }
    for (float w : waves(5000)) hard.push_back(w);
    return hard;
}

class StateCodec : public testing::TestWithParam<StatePrecision> {};

TEST_P(StateCodec, RoundsToNearestEven) {
    const std::vector<double> values = positive_values(GetParam());
    const std::vector<float> states = hard_values(values);
    const std::vector<float> back = round_trip(GetParam(), states);
    for (size_t i = 0; i < states.size(); ++i) {
        ASSERT_EQ(back[i], nearest(values, states[i])) << states[i];
        ASSERT_EQ(std::signbit(back[i]), std::signbit(states[i]));
    }
}

TEST_P(StateCodec, LosesNothingOfItsOwnValues) {
    std::vector<float> states;
    for (double value : positive_values(GetParam())) states.push_back(static_cast<float>(value));
    states.back() = kInfinity;
    EXPECT_EQ(round_trip(GetParam(), states), states);
}

TEST_P(StateCodec, ANanStaysANan) {
    for (const uint32_t bits : {0x7FC00000U, 0x7F800001U, 0xFFFFFFFFU}) {
        EXPECT_TRUE(std::isnan(round_trip(GetParam(), {std::bit_cast<float>(bits)})[0]));
    }
}
INSTANTIATE_TEST_SUITE_P(SixteenBits, StateCodec,
                         testing::Values(StatePrecision::kF16, StatePrecision::kBf16),
                         [](const auto& precision) { return to_string(precision.param); });

TEST(StateCodec, SinglePrecisionIsKeptBitForBit) {
    const std::vector<float> states = {1e-42F, -0.0F, kInfinity, std::bit_cast<float>(0x7F800001U)};
    const std::vector<float> back = round_trip(StatePrecision::kF32, states);
    for (size_t i = 0; i < states.size(); ++i) {
        EXPECT_EQ(std::bit_cast<uint32_t>(back[i]), std::bit_cast<uint32_t>(states[i]));
    }
}

TEST(StateCodec, NamesComeBack) {
    for (const auto precision :
         {StatePrecision::kF16, StatePrecision::kBf16, StatePrecision::kF32}) {
        EXPECT_EQ(state_precision_by_name(to_string(precision)), precision);
    }
    try {
        state_precision_by_name("f8");
        FAIL() << "taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_STREQ(error.what(), "unknown state precision 'f8'");
        EXPECT_EQ(error.hint(), "one of f16, bf16, f32");
    }
}

}  // namespace
}  // namespace bitgauge
