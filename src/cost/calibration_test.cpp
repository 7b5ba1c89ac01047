#include <algorithm>
#include <cmath>
#include <rapidcheck.h>

#include <gtest/gtest.h>

#include "bitgauge/cost.h"

#include "cost/cost_testing.h"
#include "cost/disturbance.h"

namespace bitgauge {
namespace {

constexpr double kSmallError = 0.001, kMiddleError = 0.01, kLargeError = 0.08;

// Six tensors of unequal sensitivity, each in three types.
SweepTable made_table() {
    SweepTable table;
    for (int32_t i = 0; i < 6; ++i) {
        TensorCost tensor = made_cost("ffn_up", i, {});
        tensor.errors = {
            {"bf16", 0}, {"q6_K", kSmallError}, {"q4_K", kMiddleError}, {"q2_K", kLargeError}};
        table.tensors.push_back(tensor);
    }
    return table;
}

std::vector<Sensitivity> made_sensitivities(bool switching) {
    std::vector<Sensitivity> all;
    for (int i = 0; i < 6; ++i) {
        all.push_back({.anchors = {{.error = 0.01, .nats = 0.01}},
                       .smooth = 0.1 * (1 + i),
                       .switching = switching ? 0.05 / (1 + i) : 0});
    }
    return all;
}

// Mixes that a calibration holds for exactly.
void add_mix(SweepTable& table, const std::vector<Sensitivity>& s, const Calibration& truth,
             const std::vector<std::string>& types) {
    MeasuredMix mix{.name = std::to_string(table.mixes.size())};
    std::vector<Disturbed> parts;
    for (size_t i = 0; i < types.size(); ++i) {
        mix.types[table.tensors[i].tensor] = types[i];
        parts.push_back(disturbed(s[i], table.tensors[i].errors.at(types[i])));
    }
    mix.kld_nats.value = truth.divergence(joined(parts, truth.norm));
    table.mixes.push_back(mix);
}

const std::vector<std::vector<std::string>>& four_mixes() {
    static const std::vector<std::vector<std::string>> mixes{
        {"q2_K", "q2_K", "q2_K", "q2_K", "q2_K", "q2_K"},
        {"q2_K", "q6_K", "q6_K", "q6_K", "q6_K", "q6_K"},
        {"q4_K", "q4_K", "q4_K", "q2_K", "q6_K", "q6_K"},
        {"q6_K", "q6_K", "q6_K", "q6_K", "q6_K", "q4_K"}};
    return mixes;
}

SweepTable with_mixes(const std::vector<Sensitivity>& s, const Calibration& truth, size_t mixes) {
    SweepTable table = made_table();
    for (size_t m = 0; m < mixes; ++m) add_mix(table, s, truth, four_mixes()[m]);
    return table;
}

TEST(Calibration, WithoutMixesItIsAsMade) {
    const Calibration found = calibrate(made_table(), made_sensitivities(true));
    EXPECT_EQ(found.norm, Calibration().norm);
    EXPECT_EQ(found.scale, 1);
    EXPECT_EQ(found.exponent, 1);
    EXPECT_EQ(found.floor, 0);
}

TEST(Calibration, NormAndScaleOfSwitchingExpertsAreRecovered) {
    EXPECT_TRUE(rc::check([](uint8_t a, uint8_t b) {
        const Calibration truth{.norm = 1 + (a % 101) / 100.0, .scale = 0.5 + b / 128.0};
        const auto s = made_sensitivities(true);
        const Calibration found = calibrate(with_mixes(s, truth, 4), s);
        RC_ASSERT(std::abs(found.norm - truth.norm) <= 0.02);
        RC_ASSERT(std::abs(found.scale / truth.scale - 1) <= 0.01);
        RC_ASSERT(found.exponent == 1 && found.floor == 0);
    }));
}

TEST(Calibration, OneMixOfSwitchingExpertsGivesTheScaleAlone) {
    const Calibration truth{.norm = Calibration().norm, .scale = 1.7};
    const auto s = made_sensitivities(true);
    const Calibration found = calibrate(with_mixes(s, truth, 1), s);
    EXPECT_EQ(found.norm, Calibration().norm);
    EXPECT_NEAR(found.scale, 1.7, 1e-9);
}

TEST(Calibration, OneMixOfADenseModelGivesTheScale) {
    const Calibration truth{.scale = 0.8};
    const auto s = made_sensitivities(false);
    const Calibration found = calibrate(with_mixes(s, truth, 1), s);
    EXPECT_NEAR(found.scale, 0.8, 1e-9);
    EXPECT_EQ(found.exponent, 1);
    EXPECT_EQ(found.floor, 0);
}

TEST(Calibration, TwoMixesOfADenseModelGiveTheExponent) {
    const Calibration truth{.scale = 0.8, .exponent = 1.12};
    const auto s = made_sensitivities(false);
    const Calibration found = calibrate(with_mixes(s, truth, 2), s);
    EXPECT_NEAR(found.scale, 0.8, 1e-9);
    EXPECT_NEAR(found.exponent, 1.12, 1e-9);
    EXPECT_EQ(found.floor, 0);
}

TEST(Calibration, ThreeMixesOfADenseModelGiveTheFloor) {
    const Calibration truth{.scale = 0.8, .exponent = 0.9, .floor = 2e-4};
    const auto s = made_sensitivities(false);
    SweepTable table = made_table();
    for (const size_t m : {0U, 2U, 3U}) add_mix(table, s, truth, four_mixes()[m]);
    const Calibration found = calibrate(table, s);
    EXPECT_NEAR(found.scale, 0.8, 1e-6);
    EXPECT_NEAR(found.exponent, 0.9, 1e-6);
    EXPECT_NEAR(found.floor, 2e-4, 1e-9);
}

TEST(Calibration, TheFloorIsNeverNegative) {
    const Calibration truth{.scale = 0.8, .exponent = 1, .floor = -1e-5};
    const auto s = made_sensitivities(false);
    EXPECT_EQ(calibrate(with_mixes(s, truth, 4), s).floor, 0);
}

TEST(Calibration, TheExponentStaysWithinItsBounds) {
    const auto s = made_sensitivities(false);
    for (const double exponent : {0.3, 3.0}) {
        const Calibration found = calibrate(with_mixes(s, {.exponent = exponent}, 2), s);
        EXPECT_EQ(found.exponent, std::clamp(exponent, 0.7, 1.5));
    }
}

TEST(Calibration, MixesItCannotReadAreLeftOut) {
    const Calibration truth{.scale = 0.8};
    const auto s = made_sensitivities(false);
    SweepTable table = with_mixes(s, truth, 1);
    MeasuredMix unknown = table.mixes[0], broken = unknown, untouched = unknown, elsewhere;
    unknown.types["blk.0.ffn_up.weight"] = "q3_K";  // no error of it here
    unknown.kld_nats.value = 9;
    broken.kld_nats = {};  // not a number
    for (auto& [tensor, type] : untouched.types) type = "bf16";
    elsewhere = {.types = {{"other.weight", "q4_K"}}, .kld_nats = {.value = 5}};
    for (const auto& mix : {unknown, broken, untouched, elsewhere}) table.mixes.push_back(mix);
    const Calibration found = calibrate(table, s);
    EXPECT_NEAR(found.scale, 0.8, 1e-9);
    EXPECT_EQ(found.exponent, 1);
}

TEST(Calibration, DivergenceAndDisturbanceAreInverse) {
    EXPECT_TRUE(rc::check([](uint8_t a, uint8_t b, uint8_t c, uint16_t d) {
        const Calibration one{
            .scale = 0.1 + a / 100.0, .exponent = 0.7 + b / 320.0, .floor = c * 1e-5};
        const double disturbance = 1e-4 * (1 + d);
        const double back = one.disturbance_for(one.divergence(disturbance));
        RC_ASSERT(std::abs(back / disturbance - 1) < 1e-6);
        RC_ASSERT(one.divergence(disturbance) > one.floor);
    }));
}

TEST(Calibration, AtOrBelowTheFloorNothingMayBeDisturbed) {
    const Calibration one{.floor = 0.01};
    EXPECT_EQ(one.disturbance_for(0.01), 0);
    EXPECT_EQ(one.disturbance_for(0.001), 0);
    EXPECT_EQ(one.divergence(0), 0.01);
}

TEST(Disturbance, WhatIsNotQuantizedAddsNothing) {
    const auto s = made_sensitivities(true);
    EXPECT_EQ(joined({disturbed(s[0], 0), disturbed(s[1], 0)}, 1.4), 0);
    // also the least error carries the activations' of 8 bits
    EXPECT_GT(disturbed(s[0], 1e-12).smooth, s[0].smooth * 2.9e-5);
}

TEST(Disturbance, JoinsSwitchingAsANormAndTheRestAsASum) {
    const std::vector<Disturbed> two{{.smooth = 0.1, .switching = 0.3},
                                     {.smooth = 0.2, .switching = 0.4}};
    EXPECT_NEAR(joined(two, 1), 1.0, 1e-12);
    EXPECT_NEAR(joined(two, 2), 0.3 + 0.5, 1e-12);
}

}  // namespace
}  // namespace bitgauge
