// Plans that keep a time per token.

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "bitgauge/cost.h"

#include "cost/mix_items.h"
#include "cost/mixer_testing.h"

namespace bitgauge {
namespace {

// IQ types take three times as long a weight as others.
MixSeconds example_seconds(const Example& example) {
    MixSeconds seconds;
    for (const TensorCost& tensor : example.table.tensors) {
        for (const auto& [type, error] : tensor.errors) {
            seconds[tensor.tensor][type] =
                static_cast<double>(tensor.weights) * (type.starts_with("iq") ? 3e-9 : 1e-9);
        }
    }
    return seconds;
}

double all_weights(const Example& example) {
    double weights = 0;
    for (const TensorCost& tensor : example.table.tensors) {
        weights += static_cast<double>(tensor.weights);
    }
    return weights;
}

// Header, norms and what else no plan is about.
uint64_t other_bytes(const Example& example) {
    uint64_t bytes = example.model.other_bytes;
    for (const TensorInfo& tensor : example.model.tensors) {
        if (tensor.type == "f32") bytes += padded_bytes(tensor, tensor.type);
    }
    return bytes;
}

TEST(MixerTime, SecondsAreTheSumOverTensors) {
    const Example example;
    const Mixer mixer = example.mixer({.seconds = example_seconds(example)});
    EXPECT_NEAR(mixer.seconds(example.all_in("q4_K")), 1e-9 * all_weights(example), 1e-18);
    EXPECT_NEAR(mixer.seconds(example.all_in("iq3_s")), 3e-9 * all_weights(example), 1e-18);
    EXPECT_TRUE(std::isnan(mixer.seconds(example.all_in("q5_1"))));
}

TEST(MixerTime, ATimeKeepsSlowTypesOut) {
    const Example example;
    MixOptions options{.types = {"q4_K", "q2_K", "iq3_s"}, .seconds = example_seconds(example)};
    const MixPlan free = example.planned(options, 3.3);
    const auto is_slow = [](const auto& tensor) { return tensor.second.starts_with("iq"); };
    ASSERT_TRUE(std::ranges::any_of(free.mix, is_slow));
    options.most_seconds = 1.0000001e-9 * all_weights(example);
    const Mixer timed = example.mixer(options);
    const MixPlan plan = timed.for_bytes(example.bytes_of(3.3));
    EXPECT_FALSE(std::ranges::any_of(plan.mix, is_slow));
    EXPECT_LE(timed.seconds(plan.mix), options.most_seconds);
    EXPECT_GE(plan.disturbance, free.disturbance);
}

TEST(MixerTime, ATimeThatNothingBreaksChangesNothing) {
    const Example example;
    MixOptions options{.seconds = example_seconds(example)};
    const MixPlan free = example.planned(options);
    options.most_seconds = 1;
    EXPECT_NEAR(example.planned(options).disturbance, free.disturbance, 1e-3 * free.disturbance);
}

TEST(MixerTime, TypesThatWereNotTimedAreNotChosenWhereATimeIsAsked) {
    const Example example;
    MixOptions options{.seconds = example_seconds(example), .most_seconds = 1};
    for (auto& [tensor, types] : options.seconds) types.erase("q4_K");
    const MixPlan plan = example.planned(options, 4.6);
    for (const auto& [tensor, type] : plan.mix) EXPECT_NE(type, "q4_K");
    options.pins = {{"ffn_down", "q4_K"}};
    expect_says(refusal([&] { example.mixer(options); }), {"pinned to q4_K", "speed is not known"});
}

// Every choice of three types for six tensors, the others pinned.
TEST(MixerTime, UnderSizeAndTimeNoChoiceIsBetterThanTheBound) {
    const Example example;
    MixOptions options{.types = {"q3_K", "q2_K", "iq3_s"},
                       .pins = {{"attn_*", "q3_K"}},
                       .seconds = example_seconds(example)};
    options.most_seconds = 1.5e-9 * all_weights(example);
    const uint64_t bytes = example.bytes_of(3.3);
    const Mixer mixer = example.mixer(options);
    const MixPlan plan = mixer.for_bytes(bytes);
    double best = std::numeric_limits<double>::infinity();
    const std::vector<std::string> types{"q3_K", "q2_K", "iq3_s", "bf16"};
    for (int code = 0; code < 4096; ++code) {
        Mix mix = example.all_in("q3_K");
        int rest = code;
        uint64_t size = other_bytes(example);
        for (auto& [tensor, type] : mix) {
            if (tensor.find("ffn") != std::string::npos) type = types[rest % 4], rest /= 4;
            size += padded_bytes(tensor_of(example.model, tensor), type);
        }
        if (size > bytes || mixer.seconds(mix) > options.most_seconds) continue;
        best = std::min(best, mixer.disturbance(mix));
    }
    EXPECT_LE(plan.disturbance, best * (1 + plan.bound_gap + 1e-9));
    EXPECT_GE(plan.disturbance, best * (1 - 1e-9));
}

TEST(MixerTime, TheFewestSecondsAreThoseOfTheFastestTypes) {
    const Example example;
    const Mixer mixer = example.mixer({.seconds = example_seconds(example), .most_seconds = 1});
    EXPECT_NEAR(mixer.fewest_seconds(mixer.largest_bytes()), 1e-9 * all_weights(example), 1e-15);
}

}  // namespace
}  // namespace bitgauge
