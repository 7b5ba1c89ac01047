// What single rules mean, where that is easily got wrong.

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipe/matcher.h"
#include "recipe/recipe_testing.h"

namespace bitgauge {
namespace {

using testing::HasSubstr;

const std::string kHead = "default = \"q4_K\"\n[[rule]]\ntype = \"q6_K\"\n";

TEST(Pattern, AQuestionMarkIsOneCharacter) {
    EXPECT_TRUE(matches_pattern("?utput*", "output.weight"));
    EXPECT_FALSE(matches_pattern("?utput*", "attn_output.weight"));
    EXPECT_TRUE(matches_pattern("*utput*", "attn_output.weight"));
    EXPECT_TRUE(matches_pattern("*", ""));
    EXPECT_TRUE(matches_pattern("**", "x"));
    EXPECT_TRUE(matches_pattern("*_[qk]", "attn_k"));
    EXPECT_FALSE(matches_pattern("[a]x*", "bax"));
}

TEST(RecipeRefusal, ADefaultThatMeansItself) {
    EXPECT_THAT(parse_refusal("default = \"default\"\n"), HasSubstr("it would mean itself"));
    EXPECT_THAT(parse_refusal("extends = \"Q4_K_M\"\ndefault = \"default\"\n"),
                HasSubstr("it would mean itself"));
}

TEST(RecipeRefusal, ConditionsWithoutEntries) {
    for (const char* condition :
         {"role = []", "name = []", "unlike = []", "regex = []", "layer = []", "set = []",
          "arch = []", "replaces = []", "row = []"}) {
        EXPECT_THAT(parse_refusal(kHead + condition), HasSubstr("at least one entry")) << condition;
    }
    for (const char* condition : {"role = \"\"", "layer = \"\"", "name = [\"a\", \"\"]"}) {
        EXPECT_THAT(parse_refusal(kHead + condition), HasSubstr("that is not empty")) << condition;
    }
    EXPECT_THAT(parse_refusal(kHead + "layer = \",\""), HasSubstr("must be layers"));
    EXPECT_THAT(parse_refusal("default = \"q4_K\"\n[sets]\nnone = []\n"),
                HasSubstr("'none' must be a list with at least one entry"));
}

TEST(RecipeRefusal, PathsThatTheSystemRefuses) {
    const std::string long_name(5000, 'x');
    EXPECT_THAT(refusal([&] { load_recipe(long_name); }), HasSubstr("neither a preset nor"));
    EXPECT_THAT(parse_refusal("extends = \"" + long_name + "\"\n"), HasSubstr("neither a preset"));
    const auto ring = std::filesystem::temp_directory_path() / "bitgauge_ring.recipe";
    std::filesystem::remove(ring);
    std::filesystem::create_symlink(ring, ring);
    EXPECT_THAT(refusal([&] { load_recipe(ring.string()); }), HasSubstr("neither a preset nor"));
    std::filesystem::remove(ring);
}

TEST(RecipeRefusal, AFamilyInAFile) {
    EXPECT_THAT(parse_refusal("[member.A]\ndefault = \"q4_K\"\n"),
                HasSubstr("[member] tables are for the program's own presets"));
}

TEST(RecipeRefusal, BackReferences) {
    EXPECT_THAT(parse_refusal(kHead + "regex = \"(a)\\\\1\"\n"),
                HasSubstr("without back-references"));
}

TEST(Rule, ARegexTakesNoTimeWithoutEnd) {
    const auto begin = std::chrono::steady_clock::now();
    const std::string name = "blk.0." + std::string(200, 'a') + ".weight";
    EXPECT_FALSE(std::regex_search(name, compiled_regex("(.+)+x$")));
    EXPECT_TRUE(std::regex_search(name, compiled_regex("(a|aa)+\\.(?!bias)w")));
    EXPECT_TRUE(std::regex_search(name, compiled_regex("^blk\\.(0|1[0-9])\\..*weight$")));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(Rule, AThousandThatReplaceWhatFollows) {
    std::string text = "default = \"q4_K\"\n";
    for (int i = 0; i < 1000; ++i) {
        text += "[[rule]]\nrole = \"ffn_up\"\nreplaces = \"q5_K\"\ntype = \"q6_K\"\n";
        text += "optional = true\n";
    }
    text += "[[rule]]\nrole = \"ffn_up\"\nreplaces = \"q4_K\"\ntype = \"q5_K\"\n";
    const auto resolution = resolved(text, "qwen3-0.6b");
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_up.weight"), "q6_K");  // q4_K, then q5_K, then q6_K
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_down.weight"), "q4_K");
}

TEST(Rule, ASetOfTheExtendingRecipeLeavesTheExtendedAsItIs) {
    const std::string text = R"(
        extends = "Q4_K_M"
        [sets]
        ffn_down = "*ffn_up*"
        [[rule]]
        set = "ffn_down"
        type = "q8_0"
        [[rule]]
        set = "attn_k"
        type = "q5_K"
    )";
    const auto plain = resolve(real_model("qwen3-14b"), *find_preset("Q4_K_M"), true);
    const auto changed = resolved(text, "qwen3-14b");
    for (size_t i = 0; i < plain.tensors.size(); ++i) {
        const ResolvedTensor& one = plain.tensors[i];
        const std::string expected = one.role == "ffn_up"   ? "q8_0"
                                     : one.role == "attn_k" ? "q5_K"
                                                            : one.type;
        EXPECT_EQ(changed.tensors[i].type, expected) << one.name;
    }
}

// llama-quantize --keep-split goes through the tensors as they are stored.
TEST(Rule, CountsFollowTheOrderThatIsAskedFor) {
    const Recipe recipe = parse_recipe(R"(
        default = "q4_K"
        [sets]
        attn_v = "*attn_v.weight"
        [[rule]]
        set = "attn_v"
        layer = "first 2"
        index = "count"
        type = "q8_0"
    )",
                                       "mix.recipe");
    ModelHeader model = real_model("qwen3-0.6b");
    for (size_t i = 0; i < model.tensors.size(); ++i) {
        const bool second = model.tensors[i].name.starts_with("blk.0.");
        model.tensors[i].shard = second ? 1 : 0;
        model.tensors[i].offset = 1000 * (model.tensors.size() - i);  // stored backwards
    }
    const auto by_layer = resolve(model, recipe, true);
    EXPECT_EQ(type_of(by_layer, "blk.0.attn_v.weight"), "q8_0");
    EXPECT_EQ(type_of(by_layer, "blk.1.attn_v.weight"), "q8_0");
    EXPECT_EQ(type_of(by_layer, "blk.27.attn_v.weight"), "q4_K");
    const auto as_in_file = resolve(model, recipe, true, TensorOrder::kAsInFile);
    EXPECT_EQ(type_of(as_in_file, "blk.0.attn_v.weight"), "q4_K");
    EXPECT_EQ(type_of(as_in_file, "blk.26.attn_v.weight"), "q8_0");
    EXPECT_EQ(type_of(as_in_file, "blk.27.attn_v.weight"), "q8_0");
    EXPECT_EQ(as_in_file.tensors.front().name, model.tensors.front().name);
}

TEST(Rule, OneThatCountsAndCanNeverMatchIsRefused) {
    const std::string head =
        "default = \"q4_K\"\n[sets]\nrouter = \"*ffn_gate_inp.weight\"\n"
        "absent = \"*nothing*\"\nup = \"*ffn_up_*\"\n[[rule]]\ntype = \"q6_K\"\n"
        "index = \"count\"\nlayer = ";
    EXPECT_THAT(resolve_refusal(head + "0\nset = \"absent\"\n", "qwen3.5-35b-a3b"),
                HasSubstr("matches no tensor of this model"));
    EXPECT_THAT(resolve_refusal(head + "0\nset = \"router\"\n", "qwen3.5-35b-a3b"),
                HasSubstr("only tensors that are never quantized"));
    const auto late = resolved(head + "500\nset = \"up\"\n", "qwen3.5-35b-a3b");
    ASSERT_EQ(late.notes.size(), 1U);
    EXPECT_THAT(late.notes.front(), HasSubstr("or no count is in 'layer'"));
}

TEST(RecipeRefusal, APresetForExpertsInADenseModel) {
    EXPECT_THAT(
        refusal([] { resolve(real_model("qwen3-14b"), *find_preset("AesSedai-Q4_K_M"), true); }),
        HasSubstr("recipe 'preset AesSedai-Q4_K_M': it is for models with experts, and this one "
                  "has none"));
}

TEST(Rule, ATypeWhoseEncoderNeedsImportanceNeedsItEverywhere) {
    const ModelHeader model = real_model("qwen3-14b");
    const auto needs = [&model](const std::string& text, const std::string& tensor) {
        const auto resolution = resolve(model, parse_recipe(text, "mix.recipe"), false);
        return resolution.find(tensor)->needs_importance;
    };
    const std::string rule = "default = \"q8_0\"\n[[rule]]\nforce = true\n";
    EXPECT_TRUE(needs(rule + "role = \"output\"\ntype = \"iq2_xxs\"\n", "output.weight"));
    EXPECT_TRUE(needs(rule + "role = \"token_embd\"\ntype = \"iq1_s\"\n", "token_embd.weight"));
    EXPECT_TRUE(
        needs(rule + "role = \"attn_norm\"\ntype = \"iq2_xs\"\n", "blk.0.attn_norm.weight"));
    EXPECT_FALSE(needs(rule + "role = \"output\"\ntype = \"iq2_s\"\n", "output.weight"));
}

}  // namespace
}  // namespace bitgauge
