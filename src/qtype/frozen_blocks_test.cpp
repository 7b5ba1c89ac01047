#include "qtype/frozen_blocks.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

namespace bitgauge {
namespace {

constexpr size_t kWeights = 2048;

struct Encoded {
    std::vector<std::byte> row;
    std::vector<float> decoded;
};

// Normal weights with zeros, outliers and a block of one sign.
Encoded encoded_row(int type_id) {
    std::mt19937 random(static_cast<unsigned>(type_id) + 1);
    std::normal_distribution<float> normal(0, 0.02F);
    std::vector<float> weights(kWeights);
    for (float& weight : weights) weight = normal(random);
    for (size_t i = 0; i < 256; ++i) weights[i] = 0;
    for (size_t i = 256; i < 512; ++i) weights[i] = std::fabs(weights[i]);
    weights[700] = -3;
    const std::vector<float> importance(kWeights, 1.0F);
    Encoded encoded;
    encoded.row.resize(type_by_id(type_id)->row_bytes(kWeights));
    encode_rows(type_id, weights, kWeights, importance, encoded.row);
    encoded.decoded.resize(kWeights);
    decode_row(type_id, encoded.row, encoded.decoded);
    return encoded;
}

std::vector<float> by_the_grid(int type_id, std::span<const std::byte> row) {
    const FrozenGrid& grid = *frozen_grid(type_id);
    std::vector<uint8_t> levels(kWeights);
    std::vector<float> steps(kWeights / grid.step_weights);
    std::vector<float> offsets(steps.size());
    read_levels(type_id, row, levels);
    read_steps(type_id, row, steps, offsets);
    std::vector<float> values(kWeights);
    for (size_t i = 0; i < kWeights; ++i) {
        const size_t sub = i / grid.step_weights;
        values[i] = steps[sub] * grid.values[levels[i]] + offsets[sub];
    }
    return values;
}

template <class Check>
void for_each_type(const Check& check) {
    size_t types = 0;
    for (const QType& type : all_types()) {
        if (frozen_grid(type.id) == nullptr) continue;
        SCOPED_TRACE(type.name);
        check(type.id);
        ++types;
    }
    EXPECT_EQ(types, 13U);
}

void expect_same(const std::vector<float>& found, const std::vector<float>& expected) {
    for (size_t i = 0; i < kWeights; ++i) {
        ASSERT_NEAR(found[i], expected[i], 1e-6 * std::fabs(expected[i]) + 1e-9) << i;
    }
}

TEST(FrozenBlocks, AWeightIsStepTimesValuePlusOffset) {
    for_each_type([](int type_id) {
        const Encoded encoded = encoded_row(type_id);
        expect_same(by_the_grid(type_id, encoded.row), encoded.decoded);
    });
}

TEST(FrozenBlocks, LevelsThatAreReadAndWrittenLeaveTheBytes) {
    for_each_type([](int type_id) {
        const Encoded encoded = encoded_row(type_id);
        std::vector<uint8_t> levels(kWeights);
        read_levels(type_id, encoded.row, levels);
        std::vector<std::byte> row = encoded.row;
        write_levels(type_id, levels, row);
        EXPECT_EQ(row, encoded.row);
    });
}

TEST(FrozenBlocks, EveryLevelIsDecodedAsItsValue) {
    for_each_type([](int type_id) {
        std::vector<std::byte> row = encoded_row(type_id).row;
        const size_t count = frozen_grid(type_id)->values.size();
        std::vector<uint8_t> levels(kWeights);
        for (size_t i = 0; i < kWeights; ++i) {
            levels[i] = static_cast<uint8_t>((i * 7 + i / 32) % count);
        }
        write_levels(type_id, levels, row);
        std::vector<uint8_t> found(kWeights);
        read_levels(type_id, row, found);
        EXPECT_EQ(found, levels);
        std::vector<float> decoded(kWeights);
        decode_row(type_id, row, decoded);
        expect_same(by_the_grid(type_id, row), decoded);
    });
}

TEST(FrozenBlocks, WritingLevelsLeavesTheSteps) {
    for_each_type([](int type_id) {
        std::vector<std::byte> row = encoded_row(type_id).row;
        const FrozenGrid& grid = *frozen_grid(type_id);
        std::vector<float> steps(kWeights / grid.step_weights);
        std::vector<float> offsets(steps.size());
        read_steps(type_id, row, steps, offsets);
        write_levels(type_id, std::vector<uint8_t>(kWeights, 1), row);
        std::vector<float> steps_after(steps.size());
        std::vector<float> offsets_after(steps.size());
        read_steps(type_id, row, steps_after, offsets_after);
        EXPECT_EQ(steps_after, steps);
        EXPECT_EQ(offsets_after, offsets);
    });
}

}  // namespace
}  // namespace bitgauge
