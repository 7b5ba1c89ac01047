#include "engine/staged_model.h"

#include <cstring>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "engine/engine_testing.h"

namespace bitgauge {
namespace {

struct Shape {
    uint32_t sequences = 2, tokens = 32;
};

std::vector<BatchToken> batch_of(const Shape& shape, uint32_t vocabulary) {
    const auto ids = some_tokens(size_t{shape.sequences} * shape.tokens, vocabulary);
    std::vector<BatchToken> tokens;
    for (uint32_t s = 0; s < shape.sequences; ++s) {
        for (uint32_t p = 0; p < shape.tokens; ++p) {
            tokens.push_back({.token = ids[size_t{s} * shape.tokens + p],
                              .position = static_cast<int32_t>(p),
                              .sequence = static_cast<int32_t>(s),
                              .output = true});
        }
    }
    return tokens;
}

struct Outcome {
    std::vector<float> states, logits;
};

ContextShape context_shape(const Shape& shape) {
    return {.window_tokens = shape.tokens,
            .sequences = shape.sequences,
            .call_tokens = shape.sequences * shape.tokens};
}

Outcome outcome_of(Context& context, size_t rows) {
    Outcome out;
    out.states.assign(context.states().begin(), context.states().end());
    for (size_t i = 0; i < rows; ++i) {
        const auto row = context.logits(i);
        out.logits.insert(out.logits.end(), row.begin(), row.end());
    }
    return out;
}

Outcome whole(const std::filesystem::path& path, const Shape& shape) {
    const Model model = Model::load(path, one_thread());
    Context context(model, context_shape(shape), one_thread());
    const auto tokens = batch_of(shape, model.vocabulary());
    context.decode(tokens, Context::Depth::kLogits);
    return outcome_of(context, tokens.size());
}

Outcome staged(const StagedModel& model, const Shape& shape) {
    std::vector<float> states;
    Outcome out;
    const auto vocabulary =
        static_cast<uint32_t>(model.anatomy().file().find_tensor("token_embd.weight")->shape[1]);
    const auto tokens = batch_of(shape, vocabulary);
    for (size_t stage = 0; stage < model.stages(); ++stage) {
        const Model run = model.load(stage);
        Context context(run, context_shape(shape), one_thread());
        context.decode(tokens, Context::Depth::kLogits, states);
        states.assign(context.states().begin(), context.states().end());
        if (stage + 1 == model.stages()) out = outcome_of(context, tokens.size());
    }
    return out;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class StagedModelTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(StagedModelTest, OneLayerAStageGivesTheSameBitsAsTheWhole) {
    const Shape shape;
    const StagedModel model(GetParam(), one_thread(), {});
    ASSERT_GE(model.stages(), 2U) << model.plan().whole;
    const Outcome expected = whole(GetParam(), shape);
    const Outcome got = staged(model, shape);
    EXPECT_FALSE(expected.logits.empty());
    EXPECT_TRUE(same_bits(expected.states, got.states));
    EXPECT_TRUE(same_bits(expected.logits, got.logits));
}

INSTANTIATE_TEST_SUITE_P(Trained, StagedModelTest, testing::Values(baby_llama(), tiny_moe()));

}  // namespace
}  // namespace bitgauge
