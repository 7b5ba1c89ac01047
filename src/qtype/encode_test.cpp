#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <ostream>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/encode_testing.h"

// Targets first.
// clang-format off
#include "qtype/lane_targets.h"
#include <hwy/highway.h>
// clang-format on

namespace bitgauge {

// GoogleTest prints parameters with it.
void PrintTo(const QType& type, std::ostream* to) {
    *to << type.name;
}

namespace {

struct Target {
    int64_t bit;
    std::string name;
};

std::vector<Target> targets_of_this_machine() {
    std::vector<Target> targets;
    for (const int64_t bit : hwy::SupportedAndGeneratedTargets()) {
        targets.push_back({.bit = bit, .name = hwy::TargetName(bit)});
    }
    return targets;
}

// Makes Highway choose one target until the end of the scope.
class OnlyTarget {
  public:
    explicit OnlyTarget(int64_t bit) { choose(bit); }
    ~OnlyTarget() { choose(0); }
    OnlyTarget(const OnlyTarget&) = delete;
    OnlyTarget& operator=(const OnlyTarget&) = delete;

  private:
    static void choose(int64_t bit) {
        hwy::SetSupportedTargetsForTest(bit);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

// ggml spends seconds on the grids of these before the first row.
bool has_grid(const QType& type) {
    return type.name.starts_with("iq1") || type.name.starts_with("iq2") ||
           type.name.starts_with("iq3");
}

// Those with a grid are tested in encode_iq_test.cpp.
std::vector<QType> own_types() {
    std::vector<QType> own;
    for (const QType& type : all_types()) {
        if (type.has_own_encoder && !has_grid(type)) own.push_back(type);
    }
    return own;
}

class OwnEncoder : public testing::TestWithParam<QType> {
  protected:
    static constexpr std::array kImportance = {Importance::kNone, Importance::kPlain,
                                               Importance::kWithZeros, Importance::kWide};

    void expect_reference(Pattern pattern, Importance importance, size_t rows, size_t row_weights,
                          const std::string& target) const {
        const QType& type = GetParam();
        if (type.encoder_needs_importance && importance == Importance::kNone) return;
        const auto seed = static_cast<uint32_t>(row_weights + static_cast<size_t>(pattern));
        expect_reference_bytes(
            type.id, pattern_weights(pattern, rows * row_weights, seed), row_weights,
            importance_values(importance, row_weights, seed + 1),
            pattern_name(pattern) + ", " + importance_name(importance) + ", " + target);
    }
};

TEST_P(OwnEncoder, WritesTheReferencesBytesForEveryPatternOnEveryTarget) {
    const size_t row = std::max<size_t>(GetParam().block_weights, 64);
    for (const Target& target : targets_of_this_machine()) {
        const OnlyTarget only(target.bit);
        for (int pattern = 0; pattern < static_cast<int>(Pattern::kCount); ++pattern) {
            for (const Importance importance : kImportance) {
                expect_reference(static_cast<Pattern>(pattern), importance, 9, row, target.name);
            }
        }
    }
}

TEST_P(OwnEncoder, WritesTheReferencesBytesForEveryLengthOfRow) {
    for (size_t row = GetParam().block_weights; row <= 16384; row *= 2) {
        for (const Importance importance : {Importance::kNone, Importance::kPlain}) {
            expect_reference(Pattern::kNormal, importance, 1, row, "best target");
            expect_reference(Pattern::kOutliers, importance, 3, row + GetParam().block_weights,
                             "best target");
        }
    }
}

TEST_P(OwnEncoder, LeavesWeightsThatAreNotFiniteToTheReference) {
    const QType& type = GetParam();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
        std::vector<float> weights = pattern_weights(Pattern::kNormal, 2048, 5);
        weights[700] = bad;
        expect_reference_bytes(type.id, weights, 1024, {}, fmt::format("{}", bad));
        const auto importance = importance_values(Importance::kPlain, 1024, 6);
        expect_reference_bytes(type.id, weights, 1024, importance, fmt::format("{}", bad));
    }
}

// Ties between levels are what a search by other means would get wrong.
TEST_P(OwnEncoder, DecidesTiesAsTheReferenceDoes) {
    for (const Importance importance : {Importance::kNone, Importance::kPlain}) {
        expect_reference(Pattern::kBounds, importance, 32, 2048, "best target");
        expect_reference(Pattern::kTies, importance, 16, 2048, "best target");
    }
}

TEST_P(OwnEncoder, WritesTheReferencesBytesForDamagedImportance) {
    for (const Pattern pattern : {Pattern::kNormal, Pattern::kHuge, Pattern::kZeroBlocks}) {
        expect_reference(pattern, Importance::kDamaged, 17, 2048, "best target");
    }
}

// RapidCheck draws scales, lengths and shapes; the same bytes whatever it finds.
TEST_P(OwnEncoder, WritesTheReferencesBytesForDrawnRows) {
    const QType& type = GetParam();
    rc::check([&type] {
        const size_t blocks = *rc::gen::inRange<size_t>(1, 2048 / type.block_weights + 2);
        const size_t row = blocks * type.block_weights;
        const size_t rows = *rc::gen::inRange<size_t>(1, 5);
        const auto pattern =
            static_cast<Pattern>(*rc::gen::inRange(0, static_cast<int>(Pattern::kCount)));
        const auto importance =
            static_cast<Importance>(*rc::gen::inRange(type.encoder_needs_importance ? 1 : 0, 5));
        const auto seed = *rc::gen::arbitrary<uint32_t>();
        expect_reference_bytes(type.id, pattern_weights(pattern, rows * row, seed), row,
                               importance_values(importance, row, seed + 1),
                               pattern_name(pattern) + ", " + importance_name(importance));
        RC_ASSERT(!testing::Test::HasNonfatalFailure());
    });
}

std::string test_name(const testing::TestParamInfo<QType>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Types, OwnEncoder, testing::ValuesIn(own_types()), test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OwnEncoder);

TEST(EncodeRows, TypesWithoutOwnEncoderAreEncodedByGgml) {
    for (const QType& type : all_types()) {
        if (!type.encodable || has_grid(type)) continue;
        const std::vector<float> weights = pattern_weights(Pattern::kNormal, 512, 3);
        const std::vector<float> importance = importance_values(Importance::kPlain, 256, 4);
        expect_reference_bytes(type.id, weights, 256, importance, "normal");
    }
}

TEST(EncodeRows, ThreadsDoNotDisturbEachOther) {
    const QType& type = *find_type("iq3_xxs");
    const std::vector<float> weights = pattern_weights(Pattern::kNormal, 2048, 8);
    const std::vector<float> importance = importance_values(Importance::kPlain, 256, 9);
    std::vector<std::vector<std::byte>> out(4,
                                            std::vector<std::byte>(type.row_bytes(weights.size())));
    std::vector<std::thread> threads;
    threads.reserve(out.size());
    for (auto& bytes : out) {
        threads.emplace_back([&] { encode_rows(type.id, weights, 256, importance, bytes); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& bytes : out) EXPECT_EQ(bytes, out.front());
}

TEST(EncodeRows, SizesThatDoNotFitAreInputErrors) {
    const int id = find_type("q4_K")->id;
    const std::vector<float> weights(512);
    std::vector<std::byte> out(288);
    EXPECT_NO_THROW(encode_rows(id, weights, 256, {}, out));
    EXPECT_THROW(encode_rows(id, weights, 0, {}, out), Error);
    EXPECT_THROW(encode_rows(id, weights, 128, {}, out), Error);
    EXPECT_THROW(encode_rows(id, weights, 1024, {}, out), Error);
    EXPECT_THROW(encode_rows(id, weights, 256, {}, std::span(out).first(287)), Error);
    EXPECT_THROW(encode_rows(id, weights, 256, std::vector<float>(512), out), Error);
}

TEST(EncodeRows, TypesThatCannotBeWrittenAndMissingImportanceAreInputErrors) {
    const std::vector<float> weights(256);
    std::vector<std::byte> out(1024);
    EXPECT_THROW(encode_rows(999, weights, 256, {}, out), Error);
    EXPECT_THROW(encode_rows(find_type("i32")->id, weights, 256, {}, out), Error);
    EXPECT_THROW(encode_rows(find_type("q8_K")->id, weights, 256, {}, out), Error);
    EXPECT_THROW(encode_rows(find_type("iq2_xxs")->id, weights, 256, {}, std::span(out).first(66)),
                 Error);
}

}  // namespace
}  // namespace bitgauge
