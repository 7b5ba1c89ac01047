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

// Mixes of which each is off the fit by a factor of its own.
SweepTable with_deviations(const std::vector<Sensitivity>& s, const Calibration& truth,
                           const std::vector<double>& factors) {
    SweepTable table = with_mixes(s, truth, factors.size());
    for (size_t m = 0; m < factors.size(); ++m) table.mixes[m].kld_nats.value *= factors[m];
    return table;
}

double disturbance_of(const MeasuredMix& mix, const SweepTable& table,
                      const std::vector<Sensitivity>& s, double norm) {
    std::vector<Disturbed> parts;
    for (size_t i = 0; i < table.tensors.size(); ++i) {
        const TensorCost& tensor = table.tensors[i];
        parts.push_back(disturbed(s[i], tensor.errors.at(mix.types.at(tensor.tensor))));
    }
    return joined(parts, norm);
}

TEST(Calibration, LedThroughMixesItGivesWhatTheyCameTo) {
    for (const bool switching : {false, true}) {
        const auto s = made_sensitivities(switching);
        const SweepTable table = with_deviations(s, {.scale = 0.8}, {1.05, 0.97, 1.1, 0.9});
        const Calibration fit = calibrate(table, s);
        const Calibration through = through_mixes(fit, table, s);
        for (const MeasuredMix& mix : table.mixes) {
            const double d = disturbance_of(mix, table, s, fit.norm);
            EXPECT_NEAR(through.divergence(d) / mix.kld_nats.value, 1, 1e-9);
            EXPECT_NEAR(through.disturbance_for(mix.kld_nats.value) / d, 1, 1e-9);
        }
    }
}

TEST(Calibration, LedThroughMixesItNeverFalls) {
    EXPECT_TRUE(rc::check([](uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
        const auto s = made_sensitivities(true);
        const std::vector<double> factors{0.2 + a / 64.0, 0.2 + b / 64.0, 0.2 + c / 64.0,
                                          0.2 + d / 64.0};
        const SweepTable table = with_deviations(s, {}, factors);
        const Calibration through = through_mixes(calibrate(table, s), table, s);
        double before = 0;
        for (double disturbance = 1e-5; disturbance < 10; disturbance *= 1.1) {
            const double nats = through.divergence(disturbance);
            RC_ASSERT(nats >= before * (1 - 1e-9));
            before = nats;
        }
    }));
}

TEST(Calibration, LedThroughNoMixesItIsTheFit) {
    const Calibration through = through_mixes({.scale = 2}, made_table(), made_sensitivities(true));
    EXPECT_TRUE(through.corrections.empty());
    EXPECT_EQ(through.divergence(0.5), 1);
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
