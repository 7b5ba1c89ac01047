#include <cmath>
#include <rapidcheck.h>

#include <gtest/gtest.h>

#include "bitgauge/cost.h"

#include "cost/cost_testing.h"

namespace bitgauge {
namespace {

Sensitivity alone(const TensorCost& tensor) {
    return sensitivities({.tensors = {tensor}}).front();
}

TEST(Sensitivities, TwoAnchorsGiveBothPartsOfTheLaw) {
    EXPECT_TRUE(rc::check([](uint16_t a, uint16_t b, uint16_t c) {
        const double smooth = a / 1000.0, switching = (a == 0 ? 10 + b : b) / 1000.0;
        const double low = 1e-4 * (1 + c % 100);
        const double high = 7 * low, between = 3 * low;
        const Sensitivity s =
            alone(made_cost("ffn_up", 0,
                            {{high, law(smooth, switching, high)},  // in any order
                             {low, law(smooth, switching, low)}}));
        RC_ASSERT(std::abs(s.smooth - smooth) < 1e-9 * (1 + smooth + switching / low));
        RC_ASSERT(std::abs(s.switching - switching) < 1e-9 * (1 + switching + smooth));
        RC_ASSERT(std::abs(s.nats_at(between) / law(smooth, switching, between) - 1) < 1e-9);
        RC_ASSERT(s.anchors.front().error == low && s.anchors.back().error == high);
        RC_ASSERT(s.source == Sensitivity::Source::kMeasured);
    }));
}

TEST(Sensitivities, OneAnchorIsAllSmooth) {
    const Sensitivity s = alone(made_cost("ffn_up", 0, {{0.02, 0.01}}));
    EXPECT_DOUBLE_EQ(s.smooth, 0.5);
    EXPECT_EQ(s.switching, 0);
    EXPECT_EQ(s.nats_at(0), 0);
    EXPECT_DOUBLE_EQ(s.nats_at(0.04), 0.02);
}

// Of layers 0 and 8 half and a fifth of what the larger error does is switching.
TEST(Sensitivities, OneAnchorAmongTwoSharesTheirSwitchingInDepth) {
    const double e = 0.04, small = 0.0004;
    const auto both = [&](int32_t layer, double share, double nats) {
        const double smooth = (1 - share) * nats / e, switching = share * nats / std::sqrt(e);
        return made_cost("ffn_up", layer,
                         {{e, law(smooth, switching, e)}, {small, law(smooth, switching, small)}});
    };
    const auto all = sensitivities(
        {.tensors = {both(0, 0.5, 0.01), both(8, 0.2, 0.03), made_cost("ffn_up", 4, {{e, 0.02}}),
                     made_cost("output", -1, {{e, 0.1}})}});
    EXPECT_NEAR(all[2].switching * std::sqrt(e), 0.35 * 0.02, 1e-12);
    EXPECT_NEAR(all[2].smooth * e, 0.65 * 0.02, 1e-12);
    EXPECT_NEAR(all[3].nats_at(e), 0.1, 1e-12);
    EXPECT_NEAR(all[3].switching * std::sqrt(e), 0.35 * 0.1, 1e-12);  // the mean: no role's
}

TEST(Sensitivities, AreOfTheTextThatMixesWereMeasuredOn) {
    const auto mix = [](const char* name, bool probes_text, double nats, const char* type) {
        return MeasuredMix{.name = name,
                           .types = {{"blk.0.ffn_up.weight", type}},
                           .probes_text = probes_text,
                           .kld_nats = {.value = nats}};
    };
    SweepTable table{.tensors = {made_cost("ffn_up", 0, {{0.02, 0.01}})},
                     .mixes = {mix("a", true, 0.1, "q4_0"), mix("a, all", false, 0.4, "q4_0"),
                               mix("b", true, 0.2, "q8_0"), mix("b, all", false, 0.2, "q8_0"),
                               mix("c", false, 9, "q5_0")}};
    const Sensitivity s = sensitivities(table).front();
    EXPECT_NEAR(s.nats_at(0.02), 0.02, 1e-12);  // twice: the mean of 4 and 1 on the logarithm
    EXPECT_NEAR(s.anchors.front().nats, 0.02, 1e-12);
}

TEST(Sensitivities, SteeperThanLinearIsAllSmoothThroughTheLargerError) {
    const Sensitivity s = alone(made_cost("ffn_up", 0, {{0.01, 0.001}, {0.04, 0.02}}));
    EXPECT_DOUBLE_EQ(s.smooth, 0.5);
    EXPECT_EQ(s.switching, 0);
}

TEST(Sensitivities, FlatterThanARootIsAllSwitchingThroughTheMiddle) {
    // f = 0.1 at the lower and 0.0625 at the upper: the geometric mean lies between
    const Sensitivity s = alone(made_cost("ffn_up", 0, {{0.01, 0.01}, {0.04, 0.0125}}));
    EXPECT_EQ(s.smooth, 0);
    EXPECT_NEAR(s.switching, std::sqrt(0.1 * 0.0625), 1e-12);
}

TEST(Sensitivities, AProbeThatShowsNothingIsPositiveAllTheSame) {
    const Sensitivity s = alone(made_cost("ffn_up", 0, {{0.02, -1e-5}}));
    EXPECT_GT(s.smooth, 0);
    EXPECT_LT(s.nats_at(0.02), 1e-8);
}

TEST(Sensitivities, TwoProbesOfOneErrorAreFinite) {
    const Sensitivity s = alone(made_cost("ffn_up", 0, {{0.02, 0.01}, {0.02, 0.01}}));
    EXPECT_DOUBLE_EQ(s.smooth, 0.5);
    EXPECT_EQ(s.switching, 0);
}

TEST(Sensitivities, DepthIsInterpolatedOnTheLogarithm) {
    const SweepTable table{.tensors = {made_cost("ffn_up", 0, {{0.01, 0.0001}}),
                                       made_cost("ffn_up", 1, {}), made_cost("ffn_up", 2, {}),
                                       made_cost("ffn_up", 4, {{0.04, 0.0064}})}};
    const auto all = sensitivities(table);
    // nats per unit of error: 0.01 at layer 0, 0.16 at layer 4, thus doubled with each layer
    EXPECT_NEAR(all[1].smooth, 0.02, 1e-12);
    EXPECT_NEAR(all[2].smooth, 0.04, 1e-12);
    EXPECT_NEAR(all[2].anchors.front().error, 0.02, 1e-12);
    EXPECT_EQ(all[2].source, Sensitivity::Source::kInterpolated);
}

TEST(Sensitivities, BothPartsAreInterpolatedFromTwoAnchors) {
    const auto twice = [](double smooth, double switching, int32_t layer) {
        return made_cost(
            "ffn_up_exps", layer,
            {{0.01, law(smooth, switching, 0.01)}, {0.04, law(smooth, switching, 0.04)}});
    };
    const SweepTable table{
        .tensors = {twice(0.1, 0.02, 0), made_cost("ffn_up_exps", 1, {}), twice(0.4, 0.08, 2)}};
    const auto all = sensitivities(table);
    ASSERT_EQ(all[1].anchors.size(), 2U);
    EXPECT_NEAR(all[1].smooth, 0.2, 1e-9);
    EXPECT_NEAR(all[1].switching, 0.04, 1e-9);
}

TEST(Sensitivities, ClustersOfAnInterpolatedTensorAddUpToItsNats) {
    SweepTable table{.cluster_tokens = {100, 300},
                     .tensors = {made_cost("ffn_up", 0, {}), made_cost("ffn_up", 1, {}),
                                 made_cost("ffn_up", 2, {})}};
    table.tensors[0].probes = {made_probe(0.02, 0.01, table.cluster_tokens)};
    table.tensors[2].probes = {made_probe(0.02, 0.04, table.cluster_tokens)};
    const auto anchor = sensitivities(table)[1].anchors.front();
    EXPECT_NEAR(anchor.nats, 0.02, 1e-12);
    EXPECT_NEAR((anchor.cluster_sums[0] + anchor.cluster_sums[1]) / 400, anchor.nats, 1e-12);
}

TEST(Sensitivities, BeyondTheLastProbeTheNearestHolds) {
    const SweepTable table{
        .tensors = {made_cost("ffn_up", 0, {}), made_cost("ffn_up", 1, {{0.02, 0.01}}),
                    made_cost("ffn_up", 2, {{0.02, 0.04}}), made_cost("ffn_up", 9, {})}};
    const auto all = sensitivities(table);
    EXPECT_NEAR(all[0].smooth, 0.5, 1e-12);
    EXPECT_NEAR(all[3].smooth, 2, 1e-12);
}

TEST(Sensitivities, ARoleWithoutProbesGetsTheMeanOfAllProbed) {
    const SweepTable table{.tensors = {made_cost("ffn_up", 0, {{0.02, 0.01}}),
                                       made_cost("ffn_up", 1, {}),  // not counted
                                       made_cost("ffn_down", 0, {{0.02, 0.03}}),
                                       made_cost("attn_k", 0, {})}};
    const auto all = sensitivities(table);
    EXPECT_NEAR(all[3].smooth, 1, 1e-12);
    EXPECT_EQ(all[3].source, Sensitivity::Source::kInterpolated);
    EXPECT_FALSE(all[3].anchors.empty());
}

TEST(Sensitivities, ATableWithoutAnyProbeIsRefused) {
    const SweepTable table{.tensors = {made_cost("ffn_up", 0, {})}};
    expect_says(refusal([&] { sensitivities(table); }), {"has measured no tensor"});
}

TEST(Sensitivities, TheNearestAnchorIsTheOneOfTheNearestLogarithm) {
    const Sensitivity s{.anchors = {{.error = 0.001}, {.error = 0.1}}};
    EXPECT_EQ(s.anchor_near(0.009).error, 0.001);
    EXPECT_EQ(s.anchor_near(0.011).error, 0.1);
    EXPECT_EQ(s.anchor_near(0).error, 0.001);
}

TEST(ToRefine, NamesTheMiddleOfEachGapThatDiffers) {
    SweepTable table;
    for (int32_t layer = 0; layer < 17; ++layer) {
        const bool probed = layer % 8 == 0;
        const double nats = layer < 16 ? 0.01 : 0.05;  // five times as much at the end
        table.tensors.push_back(probed ? made_cost("ffn_up", layer, {{0.02, nats}})
                                       : made_cost("ffn_up", layer, {}));
        table.tensors.push_back(made_cost("ffn_down", layer, {}));
    }
    const auto chosen = to_refine(table, 3);
    ASSERT_EQ(chosen.size(), 1U);
    EXPECT_EQ(table.tensors[chosen[0]].tensor, "blk.12.ffn_up.weight");
    EXPECT_TRUE(to_refine(table, 6).empty());
}

TEST(ToRefine, TheOrderOfTheTableDoesNotMatter) {
    const SweepTable table{.tensors = {made_cost("ffn_up", 1, {}), made_cost("ffn_up", 3, {}),
                                       made_cost("ffn_up", 2, {}),
                                       made_cost("ffn_up", 4, {{0.02, 0.05}}),
                                       made_cost("ffn_up", 0, {{0.02, 0.01}})}};
    EXPECT_EQ(to_refine(table, 2), (std::vector<size_t>{2}));
}

TEST(ToRefine, NeighboursHaveNothingBetweenThem) {
    const SweepTable table{
        .tensors = {made_cost("ffn_up", 0, {{0.02, 0.01}}), made_cost("ffn_up", 1, {{0.02, 0.5}})}};
    EXPECT_TRUE(to_refine(table, 2).empty());
}

}  // namespace
}  // namespace bitgauge
