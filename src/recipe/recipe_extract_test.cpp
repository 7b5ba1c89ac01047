#include <map>

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

TEST(RecipeOfTypes, GivesEachTensorItsTypeAndLeavesTheOthers) {
    const ModelHeader model = shortened(real_model("qwen3-14b"), 6);
    std::map<std::string, std::string> types;
    for (const TensorInfo& tensor : model.tensors) {
        if (!tensor.name.ends_with("ffn_up.weight") && !tensor.name.ends_with("attn_q.weight")) {
            continue;
        }
        types[tensor.name] = tensor.name.starts_with("blk.3.") ? "Q6_K" : "iq4_xs";
    }
    const Recipe recipe = recipe_of_types(model, types, "mine");
    const Recipe again = parse_recipe(recipe_text(recipe), "mix");
    const Resolution resolution = resolve(model, again, true);
    for (const TensorInfo& tensor : model.tensors) {
        const auto wanted = types.find(tensor.name);
        const std::string type = wanted == types.end() ? tensor.type : wanted->second;
        EXPECT_EQ(type_of(resolution, tensor.name), find_type(type)->name) << tensor.name;
    }
    EXPECT_EQ(types.size(), 12U);
}

// IQ4_XS without importance has q5_K in the first layers' ffn_down.
TEST(RecipeOfTypes, TheSameTypesWithImportanceAndWithout) {
    const ModelHeader model = shortened(real_model("qwen3-14b"), 16);
    std::map<std::string, std::string> types;
    for (const bool importance : {false, true}) {
        for (const ResolvedTensor& tensor :
             resolve(model, *find_preset("IQ4_XS"), importance).tensors) {
            types[tensor.name] = tensor.type;
        }
        const Recipe recipe = recipe_of_types(model, types, "mine");
        for (const bool used : {false, true}) {
            const Resolution resolution = resolve(model, recipe, used);
            for (const auto& [tensor, type] : types) {
                EXPECT_EQ(type_of(resolution, tensor), type) << tensor << importance << used;
            }
        }
    }
}

TEST(RecipeOfTypes, AnUnknownTypeIsRefusedWithTheTensor) {
    const ModelHeader model = shortened(real_model("qwen3-14b"), 1);
    const std::string said = refusal([&] {
        recipe_of_types(model, {{"blk.0.ffn_up.weight", "q4_KK"}}, "mine");
    });
    EXPECT_NE(said.find("'q4_KK' for 'blk.0.ffn_up.weight'"), std::string::npos) << said;
}

TEST(FileType, IsTheRecipesOwnOrThatOfTheMostBytes) {
    const ModelHeader model = shortened(real_model("qwen3-14b"), 2);
    const Recipe own = parse_recipe("extends = \"IQ3_M\"\n", "mix");
    EXPECT_EQ(file_type_of(own, resolve(model, own, true)), 27);       // LLAMA_FTYPE_MOSTLY_IQ3_M
    EXPECT_EQ(file_type_of_bytes({{"q4_K", 10}, {"q6_K", 5}}), 15);    // Q4_K_M
    EXPECT_EQ(file_type_of_bytes({{"q4_K", 10}, {"iq3_s", 50}}), 26);  // IQ3_S
    EXPECT_EQ(file_type_of_bytes({}), 1024);                           // LLAMA_FTYPE_GUESSED
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
