// The sweep on small models: complete, shared out, merged, and gone on with.

#include "bitgauge/sweep.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "bitgauge/cost.h"
#include "bitgauge/recipe.h"

#include "eval/baseline_testing.h"

#include "sweep/tensor_list.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

class SweepOf : public testing::Test {
  protected:
    SweepOf() : folder_(fresh_folder("sweep")) {
        options_.texts = {story(folder_, 3000)};
        options_.protocol = {.window_tokens = 64, .warmup_tokens = 8};
        options_.tokens = 400;
        options_.reference_tokens = 600;
        options_.engine = one_thread();
        options_.full = true;
    }
    ~SweepOf() override { fs::remove_all(folder_); }

    SweepOutcome sweep(const std::string& store, SweepShare share = {}) {
        options_.share = share;
        options_.work = folder_ / (store + ".work");
        Store kept(folder_ / store);
        return sweep_model(baby_llama(), options_, kept, silent_progress());
    }

    fs::path folder_;
    SweepOptions options_;
};

TEST_F(SweepOf, EveryTensorHasErrorsAndAProbe) {
    const SweepOutcome outcome = sweep("a.db");
    EXPECT_TRUE(outcome.complete);
    EXPECT_EQ(outcome.measured, outcome.table.tensors.size());
    EXPECT_EQ(outcome.table.mixes.size(), 6U);  // three, on the probes' text and on more
    EXPECT_EQ(std::ranges::count(outcome.table.mixes, true, &MeasuredMix::probes_text), 3);
    for (const TensorCost& tensor : outcome.table.tensors) {
        SCOPED_TRACE(tensor.tensor);
        ASSERT_EQ(tensor.probes.size(), 1U);  // no experts: one error is enough
        EXPECT_GT(tensor.probes.front().kld_nats.value, 0);
        EXPECT_NEAR(tensor.probes.front().error, 0.025, 0.02);
        EXPECT_EQ(tensor.probes.front().cluster_kld.size(), outcome.table.cluster_tokens.size());
        EXPECT_LT(tensor.errors.at("q8_0"), tensor.errors.at("q4_0"));
    }
}

TEST_F(SweepOf, TheSameCallAgainMeasuresNothing) {
    const SweepOutcome first = sweep("a.db");
    const SweepOutcome again = sweep("a.db");
    EXPECT_EQ(again.measured, 0U);
    EXPECT_EQ(again.reused, first.table.tensors.size());
    EXPECT_TRUE(again.complete);
    EXPECT_EQ(again.table.key, first.table.key);
}

TEST_F(SweepOf, AMixNearEachSizeIsMeasuredAndPromised) {
    options_.sizes = {1'000'000, 1'500'000};
    const SweepTable table = sweep("a.db").table;
    EXPECT_EQ(table.mixes.size(), 8U);
    const auto found = sensitivities(table);
    const Calibration through = through_mixes(calibrate(table, found), table, found);
    const Mixer mixer(model_header(GgufFile::open(baby_llama())), table, found, {}, through);
    for (const MeasuredMix& mix : table.mixes) {
        if (!mix.name.starts_with("mix near")) continue;
        EXPECT_NEAR(mixer.predict(mix.types).value / mix.kld_nats.value, 1, 1e-6) << mix.name;
    }
}

TEST_F(SweepOf, TwoMachinesGiveWhatOneDoes) {
    const SweepOutcome whole = sweep("whole.db");
    EXPECT_FALSE(sweep("one.db", {0, 2}).complete);
    EXPECT_FALSE(sweep("two.db", {1, 2}).complete);
    Store(folder_ / "one.db").merge(folder_ / "two.db");
    const SweepOutcome merged = sweep("one.db");
    EXPECT_EQ(merged.measured, 0U);
    EXPECT_TRUE(merged.complete);
    ASSERT_EQ(merged.table.tensors.size(), whole.table.tensors.size());
    for (size_t i = 0; i < whole.table.tensors.size(); ++i) {
        EXPECT_EQ(merged.table.tensors[i].probes.front().kld_nats.value,
                  whole.table.tensors[i].probes.front().kld_nats.value);
    }
}

TEST_F(SweepOf, APlanFromItIsBetterThanUniformTypes) {
    const SweepTable table = sweep("a.db").table;
    const ModelHeader model = model_header(GgufFile::open(baby_llama()));
    const auto found = sensitivities(table);
    const Mixer mixer(model, table, found, {}, calibrate(table, found));
    Mix uniform;
    for (const TensorCost& tensor : table.tensors) uniform[tensor.tensor] = "q4_0";
    const Resolution resolution =
        resolve(model, Recipe{.name = "uniform", .default_type = "q4_0"}, false);
    const MixPlan plan = mixer.for_bytes(resolution.file_bytes);
    EXPECT_LT(plan.disturbance, mixer.disturbance(uniform));
    EXPECT_LE(plan.file_bytes, resolution.file_bytes);
    EXPECT_LT(plan.bound_gap, 0.05);
}

TEST(TensorList, DepthIsSpreadWithBothEnds) {
    std::vector<TensorCost> tensors;
    for (int32_t layer = 0; layer < 40; ++layer) {
        tensors.push_back({.tensor = "blk." + std::to_string(layer) + ".ffn_up.weight",
                           .role = "ffn_up",
                           .layer = layer});
    }
    tensors.push_back({.tensor = "output.weight", .role = "output"});
    EXPECT_EQ(spread_in_depth(tensors, 8),
              (std::vector<size_t>{0, 1, 2, 10, 18, 26, 34, 38, 39, 40}));
}

TEST(TensorList, RolesTakeTurnsInside) {
    std::vector<TensorCost> tensors;
    for (int32_t layer = 0; layer < 7; ++layer) {
        tensors.push_back({.role = "ffn_down", .layer = layer});
        tensors.push_back({.role = "ffn_up", .layer = layer});
    }
    // layers 0, 1, 5 and 6 of both, layer 2 of the one, layer 3 of the other
    EXPECT_EQ(spread_in_depth(tensors, 8), (std::vector<size_t>{0, 1, 2, 3, 4, 7, 10, 11, 12, 13}));
}

TEST(TensorList, OneInThreeOfEachRoleBeginsHalfAsFarIn) {
    std::vector<TensorCost> tensors;
    for (int32_t layer = 0; layer < 8; ++layer) {
        tensors.push_back({.role = "ffn_up", .layer = layer});
        if (layer % 4 == 3) tensors.push_back({.role = "attn_q", .layer = layer});
    }
    tensors.push_back({.role = "output"});
    // ffn_up of layers 1, 4 and 7, the second attn_q, the head
    EXPECT_EQ(every_in_depth(tensors, 3), (std::vector<size_t>{1, 5, 8, 9, 10}));
}

}  // namespace
}  // namespace bitgauge
