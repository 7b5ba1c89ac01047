// The numbers of a sweep's page against closed forms.

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/report.h"

#include "base/units.h"
#include "report/example_sweep.h"

namespace bitgauge {
namespace {

constexpr double kActivations = 3e-5;  // what 8-bit activations add (docs/decisions/0015-cost.md)

const SweepReport::Role& role_of(const SweepReport& report, const std::string& name) {
    return *std::ranges::find(report.roles, name, &SweepReport::Role::name);
}

const SweepReport::Tensor& tensor_of(const SweepReport& report, const std::string& name) {
    return *std::ranges::find(report.tensors, name, &SweepReport::Tensor::name);
}

const SweepReport::RoleInType& type_of(const SweepReport::Role& role, const std::string& type) {
    return *std::ranges::find(role.types, type, &SweepReport::RoleInType::type);
}

// Two layers of one role, both measured with an error of 2 %, over two documents.
SweepTable small_sweep() {
    SweepTable sweep;
    sweep.key = "key";
    sweep.corpus.key = "text";
    sweep.cluster_tokens = {100, 100};
    for (int32_t layer : {0, 1}) {
        TensorCost tensor{.tensor = "blk." + std::to_string(layer) + ".ffn_up.weight",
                          .role = "ffn_up",
                          .layer = layer,
                          .weights = 1 << 20,
                          .errors = {{"bf16", 0}, {"q3_K", 0.02}, {"q8_0", 3e-5}}};
        const double nats = layer == 0 ? 0.004 : 0.006;
        tensor.probes.push_back(
            {"q3_K", 0.02, {nats, 0.9 * nats, 1.1 * nats}, {80 * nats, 120 * nats}});
        sweep.tensors.push_back(tensor);
    }
    return sweep;
}

TEST(SweepReport, ARoleInATypeAddsUpWhatItsTensorsDo) {
    const SweepReport report = build_sweep_report(small_sweep());
    ASSERT_EQ(report.roles.size(), 1u);
    EXPECT_EQ(report.roles[0].measured, 2u);
    const auto& q3 = type_of(report.roles[0], "q3_K");
    EXPECT_NEAR(q3.nats.value, 0.010 / 0.02 * (0.02 + kActivations), 1e-12);
    EXPECT_NEAR(type_of(report.roles[0], "q8_0").nats.value, 0.010 / 0.02 * 6e-5, 1e-12);
    EXPECT_LT(q3.nats.low, q3.nats.value);
    EXPECT_GT(q3.nats.high, q3.nats.value);
}

TEST(SweepReport, SavingsAreAgainstTheOriginalsType) {
    const SweepReport report = build_sweep_report(small_sweep());
    const auto& q3 = type_of(report.roles[0], "q3_K");
    const uint64_t weights = 2 << 20;
    EXPECT_EQ(q3.bytes, weights / 256 * 110);
    EXPECT_EQ(q3.saved_bytes, static_cast<int64_t>(2 * weights - q3.bytes));
    EXPECT_NEAR(q3.nats_per_gib, q3.nats.value / (static_cast<double>(q3.saved_bytes) / kGiB),
                1e-9);
    EXPECT_EQ(report.roles[0].types.front().type, "q8_0") << "bits fall";
    for (const auto& type : report.roles[0].types) EXPECT_NE(type.type, "bf16");
}

TEST(SweepReport, SwitchedPartsJoinAsTheLawSays) {
    const SweepReport report = build_sweep_report(example_model_sweep());
    const double p = report.calibration.norm;
    const auto& role = role_of(report, "attn_output");
    const auto found = sensitivities(report.sweep);
    const double e = 2.3e-2 + kActivations;
    double smooth = 0, power = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        if (report.sweep.tensors[i].role != "attn_output") continue;
        smooth += found[i].smooth * e;
        power += std::pow(found[i].switching * std::sqrt(e), p);
    }
    EXPECT_NEAR(type_of(role, "q3_K").nats.value, smooth + std::pow(power, 1 / p), 1e-9);
}

TEST(SweepReport, TensorsThatWereNotMeasuredSaySoAndHaveNoInterval) {
    const SweepReport report = build_sweep_report(example_model_sweep());
    const auto& measured = tensor_of(report, "blk.0.attn_qkv.weight");
    const auto& between = tensor_of(report, "blk.2.attn_qkv.weight");
    const auto& after = tensor_of(report, "blk.4.attn_qkv.weight");
    EXPECT_EQ(measured.source, Sensitivity::Source::kMeasured);
    EXPECT_EQ(between.source, Sensitivity::Source::kInterpolated);
    EXPECT_FALSE(between.guessed);
    EXPECT_TRUE(measured.nats_per_percent.has_interval());
    EXPECT_FALSE(between.nats_per_percent.has_interval());
    EXPECT_LT(between.nats_per_percent.value, measured.nats_per_percent.value);
    EXPECT_GT(between.nats_per_percent.value, after.nats_per_percent.value);
    EXPECT_EQ(role_of(report, "attn_qkv").measured, 4u);
    EXPECT_TRUE(type_of(role_of(report, "attn_qkv"), "q4_K").nats.has_interval());
}

TEST(SweepReport, ARoleWithoutAnyProbeIsAGuessWithoutInterval) {
    SweepTable sweep = small_sweep();
    TensorCost other = sweep.tensors[0];
    other.tensor = "output.weight";
    other.role = "output";
    other.layer = -1;
    other.probes.clear();
    sweep.tensors.push_back(other);
    const SweepReport report = build_sweep_report(sweep);
    EXPECT_TRUE(tensor_of(report, "output.weight").guessed);
    EXPECT_FALSE(tensor_of(report, "blk.0.ffn_up.weight").guessed);
    EXPECT_FALSE(type_of(role_of(report, "output"), "q3_K").nats.has_interval());
}

TEST(SweepReport, TheDearestTensorPerGibComesFirst) {
    const SweepReport report = build_sweep_report(example_model_sweep());
    EXPECT_EQ(report.tensors.front().role, "ssm_alpha");
    EXPECT_EQ(report.tensors.front().about_4_bits.type, "q4_0") << "it has no q4_K";
    double before = report.tensors.front().about_4_bits.nats_per_gib;
    for (const auto& tensor : report.tensors) {
        EXPECT_LE(tensor.about_4_bits.nats_per_gib, before);
        before = tensor.about_4_bits.nats_per_gib;
    }
}

TEST(SweepReport, MixesAreAlsoPredictedFromTheOthers) {
    const SweepReport report = build_sweep_report(example_model_sweep());
    ASSERT_EQ(report.mixes.size(), 3u);
    for (const auto& mix : report.mixes) {
        EXPECT_NEAR(mix.predicted.value / mix.measured.value, 1, 0.1) << mix.name;
        EXPECT_NEAR(mix.from_others / mix.measured.value, 1, 0.15) << mix.name;
        EXPECT_GT(mix.plain_sum, mix.measured.value) << "switched experts do not add up";
    }
    EXPECT_FALSE(report.mixes[0].other_text);
    EXPECT_TRUE(report.mixes[2].other_text);
    EXPECT_NEAR(report.mixes[2].bits_per_weight, 5.5, 0.01);
}

TEST(SweepReport, OneMixHasNoOthers) {
    SweepTable sweep = example_model_sweep();
    sweep.mixes.resize(1);
    EXPECT_TRUE(std::isnan(build_sweep_report(sweep).mixes.at(0).from_others));
}

TEST(SweepReport, ASweepThatHasMeasuredNothingIsRefused) {
    EXPECT_THROW(build_sweep_report({}), Error);
    SweepTable sweep = small_sweep();
    for (TensorCost& tensor : sweep.tensors) tensor.probes.clear();
    EXPECT_THROW(build_sweep_report(sweep), Error);
}

TEST(SweepReport, UnknownTypesAreLeftOut) {
    SweepTable sweep = small_sweep();
    for (TensorCost& tensor : sweep.tensors) tensor.errors["q9_Z"] = 0.5;
    sweep.mixes.push_back({.name = "of tomorrow",
                           .types = {{"blk.0.ffn_up.weight", "q9_Z"}},
                           .kld_nats = {.value = 0.01}});
    const SweepReport report = build_sweep_report(sweep);
    EXPECT_EQ(report.roles[0].types.size(), 2u);
    EXPECT_TRUE(report.mixes.empty());
}

}  // namespace
}  // namespace bitgauge
