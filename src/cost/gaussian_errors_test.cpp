// The table of errors on normally distributed weights against the encoders. To accept a change of
// data/priors/gaussian-errors.json, run with BITGAUGE_UPDATE_GOLDEN=1 and review the diff.

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/prior.h"
#include "bitgauge/qtype.h"

#include "base/files.h"
#include "base/json.h"

namespace bitgauge {
namespace {

constexpr size_t kWidth = 2048, kRows = 64;

// N(0, 1) [Box & Muller 1958], as the standard's distributions differ by library.
std::vector<float> normal_weights(size_t count, uint64_t seed) {
    std::mt19937_64 engine(seed);
    const auto uniform = [&] { return (static_cast<double>(engine() >> 11U) + 0.5) * 0x1p-53; };
    std::vector<float> weights(count);
    for (float& weight : weights) {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        weight = static_cast<float>(radius * std::cos(2 * std::numbers::pi * uniform()));
    }
    return weights;
}

double encoded_error(const QType& type, const std::vector<float>& weights, bool importance) {
    std::vector<std::byte> bytes(weights.size() / kWidth * type.row_bytes(kWidth));
    const std::vector<float> ones(importance ? kWidth : 0, 1.0F);
    encode_rows(type.id, weights, kWidth, ones, bytes);
    std::vector<float> decoded(weights.size());
    decode_row(type.id, bytes, decoded);
    double error = 0, energy = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
        error += std::pow(static_cast<double>(decoded[i]) - weights[i], 2);
        energy += std::pow(static_cast<double>(weights[i]), 2);
    }
    return error / energy;
}

std::vector<QType> encoded_types(bool importance) {
    std::vector<QType> types;
    for (const QType& type : all_types()) {
        const bool possible = importance || !type.needs_importance;
        if (type.quantized && type.encodable && possible) types.push_back(type);
    }
    return types;
}

Json table_of(const std::vector<float>& weights, bool importance) {
    Json errors = Json::object();
    for (const QType& type : encoded_types(importance)) {
        errors[type.name] =
            std::stod(fmt::format("{:.2e}", encoded_error(type, weights, importance)));
    }
    return errors;
}

void update(const std::vector<float>& weights) {
    const Json json = {
        {"schema", "bitgauge.gaussian-errors/1"},
        {"about",
         "relative mean square error of 64 rows of 2048 weights from N(0, 1), encoded by "
         "this program without importance (plain) and with one that is the same "
         "everywhere (weighted); src/cost/gaussian_errors_test.cpp"},
        {"plain", table_of(weights, false)},
        {"weighted", table_of(weights, true)}};
    write_file_atomically(std::filesystem::path(BITGAUGE_PRIORS) / "gaussian-errors.json",
                          json.dump(1) + "\n");
}

TEST(GaussianErrors, AreThoseOfTheEncoders) {
    const auto weights = normal_weights(kWidth * kRows, 1);
    if (std::getenv("BITGAUGE_UPDATE_GOLDEN") != nullptr) update(weights);
    for (const bool importance : {false, true}) {
        for (const QType& type : encoded_types(importance)) {
            const auto known = gaussian_error(type.name, importance);
            ASSERT_TRUE(known) << type.name;
            EXPECT_NEAR(*known / encoded_error(type, weights, importance), 1, 0.01) << type.name;
        }
    }
}

TEST(GaussianErrors, AreThoseOthersMeasured) {
    // HIGGS' t^2 of ggml's types as measured in Python with ggml itself
    EXPECT_NEAR(*gaussian_error("q8_0", true), 2.9e-5, 0.1e-5);
    EXPECT_NEAR(*gaussian_error("q4_K", true), 5.0e-3, 0.2e-3);
    EXPECT_NEAR(*gaussian_error("iq3_s", true), 1.87e-2, 0.1e-2);
    EXPECT_NEAR(*gaussian_error("iq2_xxs", true), 0.118, 0.005);
}

TEST(GaussianErrors, ATensorHasOnlyTypesThatFitItsRows) {
    const TensorInfo narrow{.type = "bf16", .shape = {32 * 3, 8}};
    const auto errors = gaussian_errors(narrow, true);
    EXPECT_TRUE(errors.contains("q8_0"));
    EXPECT_FALSE(errors.contains("q4_K"));
    EXPECT_EQ(errors.at("bf16"), 0);
}

TEST(GaussianErrors, WithoutImportanceNoTypeNeedsIt) {
    const TensorInfo wide{.type = "bf16", .shape = {256, 8}};
    EXPECT_TRUE(gaussian_errors(wide, true).contains("iq2_xs"));
    EXPECT_FALSE(gaussian_errors(wide, false).contains("iq2_xs"));
    EXPECT_TRUE(gaussian_errors(wide, false).contains("q2_K"));
}

TEST(GaussianErrors, ATypeThatIsNotQuantizedHasNone) {
    EXPECT_FALSE(gaussian_error("bf16", true));
    EXPECT_FALSE(gaussian_error("iq2_xs", false));
    EXPECT_FALSE(gaussian_error("q9", true));
}

}  // namespace
}  // namespace bitgauge
