#include "engine/activation.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "engine/engine_testing.h"

namespace bitgauge {
namespace {

std::vector<float> rounded(const char* weight_type, std::vector<float> row) {
    const int id = find_type(weight_type)->id;
    std::vector<std::byte> scratch(activation_scratch_bytes(id, row.size()));
    round_activation_row(id, row, scratch);
    return row;
}

// Rows whose blocks are of very different size, one of them zero.
std::vector<float> uneven_row(size_t n) {
    std::vector<float> row = waves(n);
    for (size_t i = 0; i < n; ++i) {
        row[i] *= std::pow(10.0F, static_cast<float>(i / 256) - 2);
        if (i / 32 == 3) row[i] = 0;
    }
    return row;
}

float largest(std::span<const float> values) {
    float most = 0;
    for (float v : values) most = std::max(most, std::abs(v));
    return most;
}

// Each value is the nearest of 255 on a grid whose step is the block's largest over 127; the step
// itself is kept with the relative error `step_error`.
void expect_nearest_of_127(const char* weight_type, size_t block, double step_error) {
    const std::vector<float> row = uneven_row(1024);
    const std::vector<float> got = rounded(weight_type, row);
    for (size_t at = 0; at < row.size(); at += block) {
        const double step = largest({row.data() + at, block}) / 127;
        for (size_t i = at; i < at + block; ++i) {
            const double allowed = step * (0.5 + 1e-4) + std::abs(row[i]) * step_error * 1.01;
            ASSERT_LE(std::abs(double{got[i]} - row[i]), allowed) << weight_type << " at " << i;
        }
    }
}

// Values that lie on the grid of their block, the largest at the end of it, come out unchanged.
void expect_grid_is_kept(const char* weight_type, size_t block) {
    std::vector<float> row(2 * block);
    for (size_t i = 0; i < row.size(); ++i) {
        const auto steps = static_cast<float>(static_cast<int>(i * 37 % 255) - 127);
        row[i] = (i < block ? 0.25F : 2.0F) * steps;
    }
    row[0] = -127 * 0.25F;
    row[block] = -127 * 2.0F;
    EXPECT_EQ(rounded(weight_type, row), row) << weight_type;
}

constexpr double kHalfEps = 1.0 / 2048;

TEST(Activation, OfBlocksOf32HaveAStepInHalfPrecision) {
    for (const char* type : {"q8_0", "q4_0", "q5_0", "q4_1", "q5_1", "iq4_nl"}) {
        expect_nearest_of_127(type, 32, kHalfEps);
        expect_grid_is_kept(type, 32);
    }
}

TEST(Activation, OfBlocksOf256HaveAStepInSinglePrecision) {
    for (const char* type : {"q6_K", "q5_K", "q4_K", "q3_K", "q2_K", "iq4_xs", "iq3_s", "tq2_0"}) {
        expect_nearest_of_127(type, 256, 1e-6);
        expect_grid_is_kept(type, 256);
    }
}

TEST(Activation, OfSixteenBitWeightsHaveSixteenBits) {
    const std::vector<float> row = {1.0F, 1.0F + 0x1p-8F, 1.0F + 0x1p-11F, 1.0F + 3 * 0x1p-11F};
    EXPECT_EQ(rounded("bf16", row), (std::vector<float>{1.0F, 1.0F, 1.0F, 1.0F}));
    EXPECT_EQ(rounded("f16", row),
              (std::vector<float>{1.0F, 1.0F + 0x1p-8F, 1.0F, 1.0F + 2 * 0x1p-10F}));
}

TEST(Activation, OfSinglePrecisionIsUntouched) {
    const std::vector<float> row = uneven_row(64);
    EXPECT_EQ(activation_scratch_bytes(find_type("f32")->id, 64), 0U);
    EXPECT_EQ(rounded("f32", row), row);
}

TEST(Activation, EveryTypeThatQuantizesHasARoundingThatIsKnown) {
    for (const QType& type : all_types()) {
        if (!type.decodable || !type.quantized) continue;
        const size_t width = 2 * std::max<size_t>(256, type.block_weights);
        const std::vector<float> row = uneven_row(width);
        if (activation_scratch_bytes(type.id, width) == 0) continue;  // nothing to round to
        EXPECT_NE(rounded(type.name.c_str(), row), row) << type.name << " was not rounded";
    }
}

}  // namespace
}  // namespace bitgauge
