#include "qtype/frozen_lattice.h"

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

namespace bitgauge {
namespace {

constexpr size_t kWeights = 1024;
constexpr size_t kUnits = kWeights / kUnitWeights;

std::vector<std::byte> encoded_row(int type_id) {
    std::mt19937 random(static_cast<unsigned>(type_id) + 1);
    std::normal_distribution<float> normal(0, 0.02F);
    std::vector<float> weights(kWeights);
    for (float& weight : weights) weight = normal(random);
    const std::vector<float> importance(kWeights, 1.0F);
    std::vector<std::byte> row(type_by_id(type_id)->row_bytes(kWeights));
    encode_rows(type_id, weights, kWeights, importance, row);
    return row;
}

float level_value(const FrozenLattice& frozen, const UnitPoint& point, size_t i) {
    const Lattice& lattice = Lattice::of(frozen.kind);
    const uint32_t code = lattice.code_at(point.index[i / lattice.dims()]);
    const size_t shift = i % lattice.dims() * lattice.level_bits();
    return frozen.values[code >> shift & ((1U << lattice.level_bits()) - 1)];
}

void expect_decoded(int type_id, std::span<const std::byte> row) {
    const FrozenLattice& frozen = *frozen_lattice(type_id);
    std::vector<float> steps(kWeights / frozen.step_weights);
    std::vector<UnitPoint> points(kUnits);
    std::vector<float> decoded(kWeights);
    read_lattice_steps(type_id, row, steps);
    read_points(type_id, row, points);
    decode_row(type_id, row, decoded);
    for (size_t i = 0; i < kWeights; ++i) {
        const UnitPoint& point = points[i / kUnitWeights];
        const float magnitude = level_value(frozen, point, i % kUnitWeights);
        const float sign = (point.signs >> i % kUnitWeights & 1) != 0 ? -1 : 1;
        const float expected = steps[i / frozen.step_weights] * magnitude * sign;
        ASSERT_NEAR(decoded[i], expected, 1e-6 * std::fabs(expected)) << i;
    }
}

template <class Check>
void for_each_type(const Check& check) {
    size_t types = 0;
    for (const QType& type : all_types()) {
        if (frozen_lattice(type.id) == nullptr) continue;
        SCOPED_TRACE(type.name);
        check(type.id);
        ++types;
    }
    EXPECT_EQ(types, 5U);
}

TEST(FrozenLattice, AWeightIsItsLevelsValueTimesStepAndSign) {
    for_each_type([](int type_id) { expect_decoded(type_id, encoded_row(type_id)); });
}

TEST(FrozenLattice, PointsThatAreReadAndWrittenLeaveTheBytes) {
    for_each_type([](int type_id) {
        const std::vector<std::byte> row = encoded_row(type_id);
        std::vector<UnitPoint> points(kUnits);
        read_points(type_id, row, points);
        std::vector<std::byte> again = row;
        write_points(type_id, points, again);
        EXPECT_EQ(again, row);
    });
}

TEST(FrozenLattice, EveryPointAndSignIsDecodedAsWritten) {
    for_each_type([](int type_id) {
        const FrozenLattice& frozen = *frozen_lattice(type_id);
        const Lattice& lattice = Lattice::of(frozen.kind);
        std::vector<std::byte> row = encoded_row(type_id);
        std::vector<UnitPoint> points(kUnits);
        for (size_t first = 0; first < lattice.grid_size(); first += kUnits) {
            for (size_t u = 0; u < kUnits; ++u) {
                const size_t index = first + u;
                auto signs = static_cast<uint8_t>(index * 37);
                if (frozen.even_signs && std::popcount(signs) % 2 != 0) signs ^= 128;
                const size_t other = lattice.dims() == 4 ? lattice.grid_size() - 1 - index : 0;
                points[u] = {{static_cast<uint16_t>(index), static_cast<uint16_t>(other)}, signs};
            }
            write_points(type_id, points, row);
            std::vector<UnitPoint> found(kUnits);
            read_points(type_id, row, found);
            EXPECT_EQ(found, points);
            expect_decoded(type_id, row);
        }
    });
}

}  // namespace
}  // namespace bitgauge
