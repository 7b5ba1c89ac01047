#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/cost.h"
#include "bitgauge/gguf.h"
#include "bitgauge/qtype.h"

#include "cost/mix_items.h"
#include "cost/mixer_testing.h"

namespace bitgauge {
namespace {

double bits_of(const Mix& mix, const std::string& tensor) {
    return find_type(mix.at(tensor))->bits_per_weight();
}

// --- the size of the file -----------------------------------------------------------------------

TEST(Mixer, SizesAreTheRecipesToTheByte) {
    const Example example;
    for (const double bits : {2.7, 3.5, 4.5, 6.0, 20.0}) {
        const MixPlan plan = example.planned({}, bits);
        const Recipe recipe = recipe_of_types(example.model, plan.mix, "x");
        const Resolution resolution = resolve(example.model, recipe, true);
        EXPECT_EQ(plan.file_bytes, resolution.file_bytes);
        EXPECT_LE(plan.file_bytes, example.bytes_of(bits));
        EXPECT_EQ(plan.mix.size(), example.table.tensors.size());
    }
}

TEST(Mixer, ASizeBelowTheSmallestIsRefusedWithTheRange) {
    const Mixer mixer = Example().mixer();
    expect_says(refusal([&] { mixer.for_bytes(mixer.smallest_bytes() - 1); }),
                {"cannot be had", "the smallest has", "the largest"});
    EXPECT_EQ(mixer.for_bytes(mixer.smallest_bytes()).file_bytes, mixer.smallest_bytes());
}

TEST(Mixer, WithRoomEnoughNothingIsQuantized) {
    const Example example;
    const MixPlan plan = example.mixer().for_bytes(std::numeric_limits<uint32_t>::max());
    EXPECT_EQ(plan.mix, example.all_in("bf16"));
    EXPECT_EQ(plan.disturbance, 0);
    EXPECT_EQ(plan.file_bytes, example.mixer().largest_bytes());
    EXPECT_TRUE(plan.next.empty());
}

TEST(Mixer, TheExactSizeOfTheFileIsKept) {
    const Example example;
    const Mixer mixer = example.mixer();
    const auto exact = [&](const Mix& mix) {
        return resolve(example.model, recipe_of_types(example.model, mix, "x"), true).file_bytes +
               10'000;
    };
    for (const double bits : {3.0, 4.0, 5.0}) {
        const uint64_t bytes = example.bytes_of(bits);
        const MixPlan plan = mixer.for_bytes(bytes, exact);
        EXPECT_EQ(plan.file_bytes, exact(plan.mix));
        EXPECT_LE(plan.file_bytes, bytes);
        EXPECT_LE(plan.disturbance, mixer.for_bytes(bytes - 20'000).disturbance);
    }
}

TEST(Mixer, AFileThatIsTooLargeWithItsKeysIsRefused) {
    const Mixer mixer = Example().mixer();
    const auto exact = [&](const Mix&) { return mixer.smallest_bytes() + 10'000; };
    expect_says(refusal([&] { mixer.for_bytes(mixer.smallest_bytes() + 9'999, exact); }),
                {"cannot be had"});
    EXPECT_EQ(mixer.for_bytes(mixer.smallest_bytes() + 10'000, exact).file_bytes,
              mixer.smallest_bytes() + 10'000);
}

// --- rules --------------------------------------------------------------------------------------

TEST(Mixer, PinsHoldByRoleNameAndAsInTheOriginal) {
    const MixPlan plan = Example().planned(
        {.pins = {{"ffn_d*", "Q6_K"}, {"blk.1.attn_k.weight", "q2_K"}, {"attn_v", "keep"}}});
    EXPECT_EQ(plan.mix.at("blk.0.ffn_down.weight"), "q6_K");
    EXPECT_EQ(plan.mix.at("blk.1.ffn_down.weight"), "q6_K");
    EXPECT_EQ(plan.mix.at("blk.1.attn_k.weight"), "q2_K");
    EXPECT_EQ(plan.mix.at("blk.0.attn_v.weight"), "bf16");
}

TEST(Mixer, PinsThatContradictEachOtherAreBothNamed) {
    const Example example;
    expect_says(refusal([&] {
                    example.mixer({.pins = {{"ffn_*", "q4_K"}, {"blk.0.ffn_down.weight", "q6_K"}}});
                }),
                {"'blk.0.ffn_down.weight'", "q4_K by 'ffn_*'", "q6_K by 'blk.0.ffn_down.weight'"});
    EXPECT_NO_THROW(example.mixer({.pins = {{"ffn_*", "q4_K"}, {"ffn_up", "Q4_K"}}}));
}

TEST(Mixer, PatternsThatMatchNothingAreNamed) {
    const Example example;
    const std::vector<MixRule> nothing{{"ffn_sideways", "4"}};
    for (const MixOptions& options :
         {MixOptions{.pins = nothing}, MixOptions{.fewest_bits = nothing},
          MixOptions{.pools = nothing}}) {
        expect_says(refusal([&] { example.mixer(options); }), {"'ffn_sideways'", "roles"});
    }
}

TEST(Mixer, UnknownTypesNumbersAndStrataAreRefused) {
    const Example example;
    expect_says(refusal([&] { example.mixer({.types = {"q4_KK"}}); }), {"'q4_KK'"});
    expect_says(refusal([&] { example.mixer({.pins = {{"ffn_up", "q4_KK"}}}); }), {"'q4_KK'"});
    expect_says(refusal([&] {
                    example.mixer({.fewest_bits = {{"ffn_up", "four"}}});
                }),
                {"'ffn_up=four'"});
    expect_says(refusal([&] {
                    example.mixer({.stratum_weights = {{"verse", 1}}});
                }),
                {"'verse'", "prose"});
}

TEST(Mixer, APinThatATensorCannotHaveIsRefused) {
    Example example;
    example.table.tensors[0].errors.erase("q3_K");
    expect_says(refusal([&] {
                    example.mixer({.pins = {{"attn_q", "q3_K"}}});
                }),
                {"'blk.0.attn_q.weight' cannot be q3_K"});
}

TEST(Mixer, FewestBitsHold) {
    const MixPlan plan = Example().planned({.fewest_bits = {{"attn_*", "5"}, {"attn_v", "6"}}});
    for (const auto& [tensor, type] : plan.mix) {
        const std::string role = tensor_role(tensor);
        const double least = role == "attn_v" ? 6 : role.starts_with("attn_") ? 5 : 0;
        EXPECT_GE(bits_of(plan.mix, tensor), least) << tensor;
    }
}

TEST(Mixer, OnlyTypesOfTheListAreChosen) {
    const std::vector<std::string> plain{"q8_0", "q6_K", "q5_K", "q4_K", "q3_K", "q2_K"};
    bool iq_otherwise = false;
    for (const double bits : {2.8, 3.3, 4.0, 4.6}) {
        for (const auto& [tensor, type] : Example().planned({.types = plain}, bits).mix) {
            EXPECT_FALSE(type.starts_with("iq")) << tensor << " " << type;
        }
        for (const auto& [tensor, type] : Example().planned({}, bits).mix) {
            iq_otherwise = iq_otherwise || type.starts_with("iq");
        }
    }
    EXPECT_TRUE(iq_otherwise);
}

TEST(Mixer, PoolsHoldTogether) {
    const Example example;
    const uint64_t limit = example.bytes_of(2);  // ffn_*: 3/4 of the weights
    const MixPlan plan = example.planned({.pools = {{"ffn_*", std::to_string(limit)}}}, 6);
    uint64_t bytes = 0;
    for (const TensorInfo& tensor : example.model.tensors) {
        if (!plan.mix.contains(tensor.name) || !tensor_role(tensor.name).starts_with("ffn_"))
            continue;
        bytes += made_tensor(tensor.name, tensor.shape, plan.mix.at(tensor.name)).bytes;
    }
    EXPECT_LE(bytes, limit);
    EXPECT_GT(bytes, limit * 9 / 10);
}

TEST(Mixer, TiesGiveOneTypeToGateAndUpAndToQueryKeyAndValue) {
    Example example;
    bool differ_otherwise = false;
    for (const double bits : {2.8, 3.3, 4.0, 4.6, 5.5}) {
        const Mix tied = example.planned({.ties = true}, bits).mix;
        const Mix free = example.planned({}, bits).mix;
        for (const std::string layer : {"blk.0.", "blk.1."}) {
            const auto is_same = [&](const Mix& mix, const char* a, const char* b) {
                return mix.at(layer + a + ".weight") == mix.at(layer + b + ".weight");
            };
            EXPECT_TRUE(is_same(tied, "ffn_gate", "ffn_up"));
            EXPECT_TRUE(is_same(tied, "attn_q", "attn_k"));
            EXPECT_TRUE(is_same(tied, "attn_q", "attn_v"));
            differ_otherwise = differ_otherwise || !is_same(free, "attn_q", "attn_k");
        }
    }
    EXPECT_TRUE(differ_otherwise);
}

TEST(Mixer, ASweepOfAnotherModelIsRefused) {
    Example example;
    std::erase_if(example.model.tensors,
                  [](const TensorInfo& t) { return t.name == "blk.1.ffn_up.weight"; });
    expect_says(refusal([&] { example.mixer(); }), {"another model", "'blk.1.ffn_up.weight'"});
}

// --- strata -------------------------------------------------------------------------------------

TEST(Mixer, WeightOnAStratumGivesBitsToWhatDisturbsIt) {
    const std::string dear = "blk.0.ffn_up.weight";
    Example example;
    example.disturb_code(dear);
    for (const double bits : {3.0, 4.0, 5.0}) {
        const Mix even = example.planned({}, bits).mix;
        const Mix code = example.planned({.stratum_weights = {{"code", 50}}}, bits).mix;
        const Mix prose = example.planned({.stratum_weights = {{"prose", 50}}}, bits).mix;
        EXPECT_GT(bits_of(code, dear), bits_of(prose, dear));
        EXPECT_GE(bits_of(code, dear), bits_of(even, dear));
        EXPECT_LE(bits_of(prose, dear), bits_of(even, dear));
    }
}

TEST(Mixer, TheWorstStratumGivesBitsToWhatDisturbsIt) {
    const std::string dear = "blk.0.ffn_up.weight";
    for (const double switching : {0.0, 0.02}) {
        Example example(switching);
        example.disturb_code(dear);
        for (const double bits : {3.0, 4.0, 5.0}) {
            const Mix mean = example.planned({}, bits).mix;
            const Mix worst = example.planned({.worst_stratum = true}, bits).mix;
            EXPECT_GE(bits_of(worst, dear), bits_of(mean, dear)) << bits;
        }
        const Mix mean = example.planned({}, 4).mix;
        const Mix worst = example.planned({.worst_stratum = true}, 4).mix;
        EXPECT_GT(bits_of(worst, dear), bits_of(mean, dear)) << switching;
    }
}

TEST(MixItems, StrataOfTiedTensorsCountByTheirNats) {
    Example example;
    example.disturb_code("blk.0.ffn_up.weight");  // four times as much in code, gate is even
    for (size_t i = 0; i < example.found.size(); ++i) {
        if (example.table.tensors[i].role == "ffn_gate") example.found[i].smooth *= 10;
    }
    const MixItems mix = mix_items(example.model, example.table, example.found,
                                   {.ties = true, .worst_stratum = true}, 1.4);
    const auto tied = std::ranges::find(mix.items, "blk.0.ffn_gate.weight", &PlanItem::name);
    ASSERT_NE(tied, mix.items.end());
    for (const PlanOption& option : tied->options) {
        if (option.type == "bf16") continue;
        EXPECT_NEAR(option.cost[0], (10 * 1 + 1 * 0.25) / 11, 1e-9);
        EXPECT_NEAR(option.cost[1], (10 * 1 + 1 * 4.0) / 11, 1e-9);
    }
}

// --- what a plan says ---------------------------------------------------------------------------

TEST(Mixer, SharesOfTheDearestAddUpToTheDisturbance) {
    for (const double switching : {0.0, 0.02}) {
        const MixPlan plan = Example(switching).planned({}, 3.5);
        double sum = 0;
        for (const MixPlan::Share& share : plan.dearest) {
            sum += share.nats;
            EXPECT_EQ(plan.mix.at(share.tensor), share.type);
        }
        EXPECT_EQ(plan.dearest.size(), 12U);  // all there are
        EXPECT_NEAR(sum, plan.disturbance, 1e-12);
        EXPECT_TRUE(std::ranges::is_sorted(plan.dearest, std::greater(), &MixPlan::Share::nats));
        EXPECT_LE(plan.bound_gap, 0.02);
    }
}

TEST(Mixer, WhatMoreBytesBuyIsLessDisturbance) {
    for (const double switching : {0.0, 0.02}) {
        const Example example(switching);
        const MixPlan plan = example.planned({}, 4.1);
        Mix mix = plan.mix;
        uint64_t bytes = 0;
        EXPECT_FALSE(plan.next.empty());
        for (const MixPlan::Upgrade& upgrade : plan.next) {  // one after the other
            const double before = example.mixer().disturbance(mix);
            EXPECT_EQ(mix.at(upgrade.tensor), upgrade.from);
            mix[upgrade.tensor] = upgrade.to;
            const double gain = before - example.mixer().disturbance(mix);
            EXPECT_GT(gain, 0);
            EXPECT_NEAR(upgrade.nats, gain, 0.5 * gain);  // to first order
            bytes += upgrade.bytes;
        }
        EXPECT_LE(bytes, plan.file_bytes / 100);
    }
}

TEST(Mixer, PredictionsLieWithinTheirInterval) {
    const Calibration calibration{.scale = 0.8, .floor = 1e-4};
    for (const double switching : {0.0, 0.02}) {
        const Example example(switching);
        const Mixer mixer = example.mixer({}, calibration);
        for (const char* type : {"q2_K", "q4_K", "q8_0"}) {
            const Mix mix = example.all_in(type);
            const Estimate predicted = mixer.predict(mix);
            EXPECT_EQ(predicted.value, calibration.divergence(mixer.disturbance(mix)));
            EXPECT_LT(predicted.low, predicted.value);
            EXPECT_GT(predicted.high, predicted.value);
            // a standard deviation of 14 % over ten clusters: about 11 % either way
            EXPECT_LT(predicted.high - predicted.low, 0.5 * predicted.value);
        }
    }
}

TEST(Mixer, WithoutClustersAPredictionHasNoInterval) {
    Example example;
    for (Sensitivity& s : example.found) {
        s.source = Sensitivity::Source::kPrior;
        for (auto& anchor : s.anchors) anchor.cluster_sums.clear();
    }
    const MixPlan plan = example.planned({});
    EXPECT_GT(plan.predicted_nats.value, 0);
    EXPECT_FALSE(plan.predicted_nats.has_interval());
}

TEST(Mixer, ATypeThatWasNotSweptIsRefusedByName) {
    const Example example;
    Mix mix = example.all_in("q4_K");
    mix["blk.1.attn_v.weight"] = "iq1_s";
    expect_says(refusal([&] { example.mixer().predict(mix); }), {"'blk.1.attn_v.weight'", "iq1_s"});
}

// --- the smallest file of so little divergence
// ----------------------------------------------------

TEST(Mixer, ADivergenceIsMetByTheSmallestFile) {
    const Example example(0.02);
    const Mixer mixer = example.mixer({}, {.scale = 0.7});
    for (const double nats : {0.003, 0.01, 0.03}) {
        const MixPlan plan = mixer.for_divergence(nats);
        EXPECT_LE(plan.predicted_nats.value, nats);
        const uint64_t less = plan.file_bytes - std::max<uint64_t>(plan.file_bytes / 5000, 64);
        EXPECT_GT(mixer.for_bytes(less).predicted_nats.value, nats);
        for (const Mixer::Point& point : mixer.curve(12)) {
            if (point.nats > nats) continue;
            EXPECT_LE(plan.file_bytes, point.file_bytes + point.file_bytes / 5000);
        }
    }
}

TEST(Mixer, ADivergenceThatIsEasilyMetTakesTheSmallestFile) {
    const Mixer mixer = Example().mixer();
    const auto exact = [&](const Mix&) { return mixer.smallest_bytes() + 10'000; };
    EXPECT_EQ(mixer.for_divergence(100).file_bytes, mixer.smallest_bytes());
    EXPECT_EQ(mixer.for_divergence(100, exact).file_bytes, mixer.smallest_bytes() + 10'000);
}

TEST(Mixer, ADivergenceBelowTheFloorIsRefused) {
    const Mixer mixer = Example().mixer({}, {.floor = 0.001});
    expect_says(refusal([&] { mixer.for_divergence(0.0009); }), {"0.0009", "0.001"});
    EXPECT_EQ(mixer.for_divergence(0.001).disturbance, 0);
}

TEST(Mixer, ADivergenceThatPinsForbidIsRefusedWithTheLeast) {
    const Example example;
    const Mixer mixer = example.mixer({.pins = {{"*", "q2_K"}}});
    const double least = mixer.predict(example.all_in("q2_K")).value;
    expect_says(refusal([&] { mixer.for_divergence(least / 2); }),
                {fmt::format("{:.3g}", least), "allow larger types"});
}

// --- the curve ----------------------------------------------------------------------------------

TEST(Mixer, TheCurveDescendsFromTheSmallestToTheLargest) {
    for (const double switching : {0.0, 0.02}) {
        const Mixer mixer = Example(switching).mixer();
        const auto curve = mixer.curve(20);
        ASSERT_EQ(curve.size(), 20U);
        EXPECT_EQ(curve.front().file_bytes, mixer.smallest_bytes());
        EXPECT_EQ(curve.back().file_bytes, mixer.largest_bytes());
        for (size_t i = 1; i < curve.size(); ++i) {
            EXPECT_GE(curve[i].file_bytes, curve[i - 1].file_bytes);
            EXPECT_LE(curve[i].nats, curve[i - 1].nats);
        }
        EXPECT_EQ(mixer.curve(1).front().file_bytes, mixer.smallest_bytes());
    }
}

}  // namespace
}  // namespace bitgauge
