#include <gtest/gtest.h>

#include "recipe/recipe_testing.h"
#include "recipe/repair.h"

namespace bitgauge {
namespace {

// The header of the file that the recipe would make of a model.
ModelHeader quantized(const ModelHeader& model, const Resolution& resolution) {
    ModelHeader made = model;
    for (size_t i = 0; i < made.tensors.size(); ++i) {
        made.tensors[i] =
            made_tensor(made.tensors[i].name, made.tensors[i].shape, resolution.tensors[i].type);
    }
    return made;
}

// Its first layers: a mixture's parts are all there, in less time.
ModelHeader shortened(ModelHeader model, int64_t layers) {
    std::erase_if(model.tensors, [layers](const TensorInfo& tensor) {
        return tensor.name.starts_with("blk.") && std::stoll(tensor.name.substr(4)) >= layers;
    });
    model.layers = layers;
    return model;
}

void expect_reproduced(const ModelHeader& file) {
    const ExtractedRecipe extracted = extract_recipe(file);
    const Recipe again = parse_recipe(recipe_text(extracted.recipe), "extracted");
    const Resolution resolution = resolve(file, again, extracted.importance);
    for (size_t i = 0; i < file.tensors.size(); ++i) {
        EXPECT_EQ(resolution.tensors[i].type, file.tensors[i].type) << file.tensors[i].name;
    }
}

TEST(Extract, EveryPresetIsRecognisedByItself) {
    const ModelHeader model = shortened(real_model("qwen3.5-35b-a3b"), 8);
    for (const Recipe& preset : presets()) {
        if (preset.name == "never") continue;
        const Resolution without = resolve(model, preset, false);
        for (const bool importance : {false, true}) {
            const Resolution resolution = resolve(model, preset, importance);
            if (importance && resolution.tensor_bytes == without.tensor_bytes) continue;
            const ModelHeader file = quantized(model, resolution);
            const ExtractedRecipe extracted = extract_recipe(file);
            ASSERT_FALSE(extracted.presets.empty());
            EXPECT_EQ(extracted.presets.front().tensors, 0U) << preset.name;
            EXPECT_TRUE(extracted.recipe.rules.empty() || extracted.recipe.extends.empty())
                << preset.name;
            expect_reproduced(file);
        }
    }
}

TEST(Extract, AChangedPresetIsThatPresetAndOneRule) {
    const ModelHeader model = real_model("qwen3-14b");
    const Recipe changed = parse_recipe(
        "extends = \"Q4_K_M\"\n[[rule]]\nrole = [\"attn_q\", \"attn_k\"]\nlayer = \"last 1/4\"\n"
        "type = \"q8_0\"\n",
        "changed");
    const ModelHeader file = quantized(model, resolve(model, changed, false));
    const ExtractedRecipe extracted = extract_recipe(file);
    EXPECT_EQ(extracted.recipe.extends, "Q4_K_M");
    ASSERT_EQ(extracted.recipe.rules.size(), 1U);
    EXPECT_EQ(rule_text(extracted.recipe.rules[0]), "role attn_k, attn_q, layer 30-39: q8_0");
    EXPECT_EQ(extracted.presets.front().name, "Q4_K_M");
    EXPECT_EQ(extracted.presets.front().tensors, 20U);
    expect_reproduced(file);
}

// Overriding attn_v moves the counters of the mixture for the others.
TEST(Extract, MovedCountersAreReproducedToo) {
    const ModelHeader model = real_model("qwen3-14b");
    const Recipe changed = parse_recipe(
        "extends = \"Q4_K_M\"\n[[rule]]\nrole = \"attn_v\"\nlayer = \"7-9\"\ntype = \"q8_0\"\n",
        "changed");
    expect_reproduced(quantized(model, resolve(model, changed, false)));
}

TEST(Extract, AQuantizedRouterNeedsAForcedRule) {
    const ModelHeader model = real_model("qwen3.5-35b-a3b");
    const Recipe recipe = parse_recipe(
        "extends = \"AesSedai-Q4_K_M\"\n[[rule]]\nrole = \"ffn_gate_inp\"\ntype = \"q8_0\"\n"
        "force = true\n",
        "router");
    const ModelHeader file = quantized(model, resolve(model, recipe, true));
    const ExtractedRecipe extracted = extract_recipe(file);
    bool forced = false;
    for (const Rule& rule : extracted.recipe.rules) forced = forced || rule.forced;
    EXPECT_TRUE(forced);
    expect_reproduced(file);
}

TEST(NameLayers, RangesRunOverLayersThatTheRoleDoesNotHave) {
    const auto terms = name_layers({3, 7, 11}, {3, 7, 11, 15, 19}, 20);
    ASSERT_EQ(terms.size(), 1U);
    EXPECT_EQ(text_of(terms[0]), "3-11");
}

TEST(NameLayers, APatternHasItsName) {
    std::vector<int64_t> all, wanted;
    const auto more_bits = parse_layer_term("more bits");
    for (int64_t i = 0; i < 40; ++i) {
        all.push_back(i);
        if (more_bits->holds(i, 40)) wanted.push_back(i);
    }
    const auto terms = name_layers(wanted, all, 40);
    ASSERT_EQ(terms.size(), 1U);
    EXPECT_EQ(text_of(terms[0]), "more bits");
}

}  // namespace
}  // namespace bitgauge
