#include "engine/cut_plan.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "engine/engine_testing.h"
#include "engine/tiny_models_testing.h"
#include "gguf/model_copy_testing.h"

#include <ggml.h>

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

fs::path written(const std::string& name) {
    static const auto folder = fresh_folder("cut_plan");
    auto path = folder / (name + ".gguf");
    if (!fs::exists(path)) write_tiny_model(tiny_model(name), GGML_TYPE_F32, 1, path);
    return path;
}

Anatomy anatomy_of(const std::string& name) {
    return Anatomy(GgufFile::open(written(name)));
}

// The model with one number of its header changed.
Anatomy anatomy_with(const std::string& name, const std::string& key, uint32_t value) {
    ModelCopy copy(written(name));
    copy.set_u32(key, value);
    const auto path = written(name).replace_extension("changed.gguf");
    copy.write(path);
    return Anatomy(GgufFile::open(path));
}

std::vector<uint32_t> begins_of(const CutPlan& plan) {
    std::vector<uint32_t> begins;
    for (const CutStage& stage : plan.stages) begins.push_back(stage.begin());
    return begins;
}

// Every layer once and in order, nothing but the ends is an end, no byte counted twice.
void expect_covers(const Anatomy& model, const CutPlan& plan) {
    EXPECT_EQ(plan.whole, "");
    uint32_t layer = 0;
    uint64_t bytes = 0;
    for (const CutStage& stage : plan.stages) {
        ASSERT_GE(stage.real, 1U);
        ASSERT_LE(stage.real, stage.layers.size());
        EXPECT_EQ(stage.begin(), layer);
        for (uint32_t i = 0; i < stage.real; ++i) EXPECT_EQ(stage.layers[i], layer++);
        EXPECT_EQ(stage.end(), layer);
        EXPECT_EQ(stage.first, &stage == &plan.stages.front());
        EXPECT_EQ(stage.last, &stage == &plan.stages.back());
        bytes += stage.bytes;
    }
    EXPECT_EQ(layer, model.count());
    const auto add = [](uint64_t sum, const LayerFacts& facts) { return sum + facts.bytes; };
    EXPECT_EQ(bytes,
              std::accumulate(model.layers().begin(), model.layers().end(), uint64_t{0}, add));
    EXPECT_EQ(plan.stages.back().layers.size(), plan.stages.back().real)
        << "what stands behind the last stage would be computed";
}

bool any_layer(const Anatomy& model, const CutStage& stage, bool LayerFacts::*what, bool value) {
    return std::ranges::any_of(
        stage.layers, [&](uint32_t layer) { return model.layers()[layer].*what == value; });
}

TEST(CutPlan, OfPlainLayersHasOneInEachStage) {
    const Anatomy model = anatomy_of("llama");
    const CutPlan plan = plan_cut(model, 0);
    expect_covers(model, plan);
    ASSERT_EQ(plan.stages.size(), 8U);
    for (uint32_t i = 0; i < 8; ++i) {
        EXPECT_EQ(plan.stages[i].layers, std::vector<uint32_t>{i});
        EXPECT_EQ(plan.stages[i].bytes, model.layers()[i].bytes);
        EXPECT_GT(plan.stages[i].bytes, 0U);
    }
}

TEST(CutPlan, HasAtMostTheStagesThatAreAskedFor) {
    const Anatomy model = anatomy_of("llama");
    for (const uint32_t wish : {2U, 3U, 5U, 8U, 100U}) {
        const CutPlan plan = plan_cut(model, wish);
        expect_covers(model, plan);
        EXPECT_EQ(plan.stages.size(), std::min(wish, 8U));
    }
}

TEST(CutPlan, OfFewStagesHasThemOfAboutEqualSize) {
    const Anatomy model = anatomy_of("llama");
    const CutPlan plan = plan_cut(model, 3);
    ASSERT_EQ(plan.stages.size(), 3U);
    const auto [least, most] = std::ranges::minmax(plan.stages, {}, &CutStage::bytes);
    EXPECT_LE(most.bytes, 2 * least.bytes);
}

TEST(CutPlan, OfOneStageIsNone) {
    const CutPlan plan = plan_cut(anatomy_of("llama"), 1);
    EXPECT_EQ(plan.whole, "one stage was asked for");
    EXPECT_TRUE(plan.stages.empty());
}

TEST(CutPlan, OfAHybridHasBothKindsInEachStageZerosBehindWhatIsReal) {
    const Anatomy model = anatomy_of("qwen35moe");
    const CutPlan plan = plan_cut(model, 0);
    expect_covers(model, plan);
    ASSERT_EQ(plan.stages.size(), 7U) << "the last attention layer is no stage by itself";
    for (const CutStage& stage : plan.stages) {
        EXPECT_TRUE(any_layer(model, stage, &LayerFacts::recurrent, true)) << stage.begin();
        EXPECT_TRUE(any_layer(model, stage, &LayerFacts::attention, true)) << stage.begin();
        if (stage.last) continue;
        EXPECT_EQ(stage.real, 1U);
        EXPECT_EQ(stage.layers.size(), 2U);
        EXPECT_EQ(stage.bytes, model.layers()[stage.begin()].bytes) << "zeros are not read";
    }
    EXPECT_EQ(plan.stages.back().layers, (std::vector<uint32_t>{6, 7}));
}

TEST(CutPlan, OfAHybridInFewStagesNeedsNoZerosWhereBothKindsAreReal) {
    const Anatomy model = anatomy_of("qwen35moe");
    const CutStage run = cut_run(model, 0, 4);
    EXPECT_EQ(run.layers, (std::vector<uint32_t>{0, 1, 2, 3}));
    EXPECT_TRUE(run.first);
    EXPECT_FALSE(run.last);
    const CutPlan plan = plan_cut(model, 2);
    expect_covers(model, plan);
    EXPECT_EQ(plan.stages.size(), 2U);
}

TEST(CutPlan, OfGemma4HasTwoLayersOneOfThemGlobalInEachStage) {
    const Anatomy model = anatomy_of("gemma4");
    const CutPlan plan = plan_cut(model, 0);
    expect_covers(model, plan);
    EXPECT_EQ(plan.stages.size(), 7U);
    for (const CutStage& stage : plan.stages) {
        EXPECT_GE(stage.layers.size(), 2U);
        EXPECT_TRUE(any_layer(model, stage, &LayerFacts::windowed, false)) << stage.begin();
        EXPECT_TRUE(any_layer(model, stage, &LayerFacts::windowed, true)) << stage.begin();
    }
}

TEST(CutPlan, OfLlama4CutsAtMultiplesOfItsUnit) {
    const Anatomy model = anatomy_of("llama4");
    const CutPlan plan = plan_cut(model, 0);
    expect_covers(model, plan);
    EXPECT_EQ(begins_of(plan), (std::vector<uint32_t>{0, 4}));
}

// Experts in every third layer, positions in every fourth: a period of twelve.
TEST(CutPlan, OfLlama4CutsAtMultiplesOfTheStepOfItsExpertsToo) {
    const CutPlan plan = plan_cut(anatomy_with("llama4", "llama4.interleave_moe_layer_step", 3), 0);
    EXPECT_EQ(plan.whole, "it has no place where it can be cut");
    EXPECT_TRUE(plan.stages.empty());
}

TEST(CutPlan, OfSmallthinkerHasNoRunOfFourLayers) {
    const Anatomy model = anatomy_of("smallthinker");
    for (const uint32_t wish : {0U, 2U, 4U}) {
        const CutPlan plan = plan_cut(model, wish);
        expect_covers(model, plan);
        EXPECT_EQ(begins_of(plan), (std::vector<uint32_t>{0, 8}));
        for (const CutStage& stage : plan.stages) EXPECT_NE(stage.layers.size(), 4U);
    }
}

TEST(CutPlan, OfDeciBeginsNoStageWithALayerWithoutHeads) {
    const Anatomy model = anatomy_of("deci");
    const CutPlan plan = plan_cut(model, 0);
    expect_covers(model, plan);
    EXPECT_EQ(begins_of(plan), (std::vector<uint32_t>{0, 1, 3, 4, 5, 6, 7}));
}

TEST(CutPlan, CutsBeforeLayersThatIndexForThemselves) {
    const Anatomy model = anatomy_of("hy_v4");
    const CutPlan plan = plan_cut(model, 0);
    expect_covers(model, plan);
    EXPECT_EQ(begins_of(plan), (std::vector<uint32_t>{0, 2, 4, 6}));
}

TEST(CutPlan, LeavesLayersThatPredictFurtherTokensOut) {
    for (const char* name : {"glm4moe", "qwen35-nextn"}) {
        const Anatomy model = anatomy_of(name);
        EXPECT_EQ(model.stated_count(), 9U) << name;
        EXPECT_EQ(model.count(), 8U) << name;
        expect_covers(model, plan_cut(model, 0));
    }
}

TEST(CutPlan, OfAnArchitectureThatStaysWholeSaysWhy) {
    const CutPlan plan = plan_cut(anatomy_of("rwkv7"), 0);
    EXPECT_EQ(plan.whole, "its layers read more than what the layer before hands on");
    EXPECT_TRUE(plan.stages.empty());
    EXPECT_NE(plan_cut(anatomy_of("minicpm3"), 4).whole, "");
}

TEST(CutPlan, OfANumberOfLayersThatComputesDifferentlySaysSo) {
    const CutPlan plan = plan_cut(anatomy_with("gemma2", "gemma2.block_count", 46), 0);
    EXPECT_EQ(plan.whole, "models of 46 layers of this architecture compute differently");
    EXPECT_EQ(plan_cut(anatomy_of("gemma2"), 0).whole, "");
}

TEST(CutPlan, OfAHeaderWithoutLayersSaysSo) {
    const CutPlan plan = plan_cut(anatomy_with("llama", "llama.block_count", 0), 0);
    EXPECT_EQ(plan.whole, "its header names no layers");
}

TEST(Anatomy, TellsTheLayerOfATensorByItsName) {
    EXPECT_EQ(Anatomy::layer_of("blk.0.attn_q.weight"), 0);
    EXPECT_EQ(Anatomy::layer_of("blk.12.ffn_up.weight"), 12);
    EXPECT_EQ(Anatomy::layer_of("output.weight"), -1);
    EXPECT_EQ(Anatomy::layer_of("blk.x.ffn_up.weight"), -1);
}

TEST(CutRules, AreThePlainOneForArchitecturesWithoutAnEntry) {
    for (const char* name : {"llama", "", "an architecture of next year"}) {
        const CutRule& rule = cut_rule(name);
        EXPECT_TRUE(rule.architecture.empty()) << name;
        EXPECT_TRUE(rule.whole.empty()) << name;
        EXPECT_EQ(rule.unit, 1U) << name;
        EXPECT_EQ(rule.least_layers, 1U) << name;
        EXPECT_EQ(rule.handed_on, "l_out") << name;
    }
}

TEST(CutRules, AreFoundByTheWholeName) {
    EXPECT_EQ(cut_rule("gemma4").least_layers, 2U);
    EXPECT_TRUE(cut_rule("gemma4").needs_global);
    EXPECT_TRUE(cut_rule("gemma").architecture.empty());
    EXPECT_EQ(cut_rule("smallthinker").avoided_layers, 4U);
    EXPECT_EQ(cut_rule("nemotron_h").handed_on, "nemotron_h_block_out");
    EXPECT_EQ(cut_rule("rwkv7").architecture, "rwkv7");
    EXPECT_FALSE(cut_rule("rwkv7").whole.empty());
}

TEST(EntryNodes, AreThoseThatCarryTheEmbedding) {
    for (const char* name : {"embd", "inp_embd", "inp_scaled", "inpL", "inpL-0", "inp_norm-0"}) {
        EXPECT_TRUE(is_entry_node(name)) << name;
    }
    for (const char* name : {"", "inp", "inp_embd ", "inpL-1", "l_out-0", "result_norm"}) {
        EXPECT_FALSE(is_entry_node(name)) << name;
    }
}

}  // namespace
}  // namespace bitgauge
