#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "recipe/recipe_testing.h"
#include "recipe/repair.h"

namespace bitgauge {
namespace {

using testing::HasSubstr;

TEST(LayerTerm, DivisionsRoundDownAsLlamaCppsDo) {
    const auto first = parse_layer_term("first 1/8");
    EXPECT_TRUE(first->holds(3, 36));  // 36/8 = 4
    EXPECT_FALSE(first->holds(4, 36));
    const auto last = parse_layer_term("last 1/8");
    EXPECT_FALSE(last->holds(30, 36));
    EXPECT_TRUE(last->holds(31, 36));  // 7*36/8 = 31
    const auto middle = parse_layer_term("middle 3/4");
    EXPECT_FALSE(middle->holds(3, 36));
    EXPECT_TRUE(middle->holds(4, 36));
    EXPECT_TRUE(middle->holds(30, 36));
    EXPECT_FALSE(middle->holds(31, 36));
}

TEST(LayerTerm, MoreBitsAreTheEdgesAndEveryThird) {
    const auto term = parse_layer_term("more bits");
    std::string marks;
    for (int i = 0; i < 24; ++i) marks += term->holds(i, 24) ? 'x' : '.';
    EXPECT_EQ(marks, "xxx..x..x..x..x..x..xxxx");
}

TEST(LayerTerm, PrintsWhatItReads) {
    for (const char* text :
         {"4", "0-7", "first 4", "first 1/8", "last 2", "last 1/4", "middle 3/4", "more bits"}) {
        ASSERT_TRUE(parse_layer_term(text)) << text;
        EXPECT_EQ(text_of(*parse_layer_term(text)), text);
    }
    for (const char* text : {"", "x", "7-0", "first", "first 9/8", "first 1/0", "middle 4", "-1"}) {
        EXPECT_FALSE(parse_layer_term(text)) << text;
    }
}

TEST(NumberTest, PrintsWhatItReads) {
    for (const char* text : {"8", ">= 4", "<= 4", "< 512", "> 1", "!= 8"}) {
        ASSERT_TRUE(parse_number_test(text)) << text;
        EXPECT_EQ(text_of(*parse_number_test(text)), text);
    }
    EXPECT_FALSE(parse_number_test("=> 4"));
    EXPECT_FALSE(parse_number_test(""));
}

TEST(Recipe, LlamaQuantizesShortNamesAreKnown) {
    EXPECT_EQ(find_preset("q4_k"), find_preset("Q4_K_M"));
    EXPECT_EQ(load_recipe("Q3_K").name, "Q3_K_M");
    EXPECT_EQ(parse_recipe("extends = \"Q5_K\"\n", "mix.recipe").base->name, "Q5_K_M");
}

TEST(Recipe, EveryPresetReadsBackAsItWasWritten) {
    for (const Recipe& preset : presets()) {
        const Recipe again = parse_recipe(recipe_text(preset), preset.name);
        EXPECT_EQ(recipe_text(again), recipe_text(preset)) << preset.name;
    }
}

TEST(Recipe, PresetsSayWhereTheyComeFromAndHowSureTheyAre) {
    for (const Recipe& preset : presets()) {
        EXPECT_NE(preset.about, "") << preset.name;
        EXPECT_NE(preset.source, "") << preset.name;
        EXPECT_THAT((std::vector<std::string>{"exact", "published", "inferred", "partial"}),
                    testing::Contains(preset.confidence))
            << preset.name;
    }
}

TEST(Recipe, TheFirstRuleThatMatchesWins) {
    const auto resolution = resolved(R"(
        default = "q4_K"
        [[rule]]
        role = "ffn_down"
        layer = 3
        type = "q8_0"
        [[rule]]
        role = "ffn_*"
        type = "q5_K"
    )",
                                     "qwen3-0.6b");
    EXPECT_EQ(type_of(resolution, "blk.3.ffn_down.weight"), "q8_0");
    EXPECT_EQ(type_of(resolution, "blk.4.ffn_down.weight"), "q5_K");
    EXPECT_EQ(type_of(resolution, "blk.4.attn_q.weight"), "q4_K");
    EXPECT_EQ(type_of(resolution, "blk.4.attn_norm.weight"), "f32");
    EXPECT_EQ(resolution.find("blk.3.ffn_down.weight")->rule, "role ffn_down, layer 3: q8_0");
    EXPECT_EQ(resolution.find("blk.4.attn_q.weight")->rule, "default");
}

TEST(Recipe, WhatItExtendsDecidesTheRest) {
    const auto resolution = resolved(R"(
        extends = "Q4_K_M"
        [[rule]]
        role = "output"
        type = "q8_0"
    )",
                                     "qwen3-14b");
    const auto plain = resolve(real_model("qwen3-14b"), *find_preset("Q4_K_M"), true);
    EXPECT_EQ(type_of(resolution, "output.weight"), "q8_0");
    EXPECT_EQ(type_of(plain, "output.weight"), "q6_K");
    for (size_t i = 0; i < plain.tensors.size(); ++i) {
        if (plain.tensors[i].name == "output.weight") continue;
        EXPECT_EQ(resolution.tensors[i].type, plain.tensors[i].type) << plain.tensors[i].name;
    }
}

TEST(Recipe, ValuesOfTheExtendingRecipeReplaceThoseOfTheExtended) {
    const auto resolution = resolved(R"(
        extends = "AesSedai-Q4_K_M"
        [values]
        down = "q6_K"
    )",
                                     "qwen3.5-35b-a3b");
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_down_exps.weight"), "q6_K");
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_up_exps.weight"), "q4_K");
}

// llama.cpp does not count tensors whose type --tensor-type decides: the pattern of the others
// moves.
TEST(Recipe, TensorsThatARuleTakesAreNotCountedByTheMixture) {
    const auto plain = resolve(real_model("qwen3-14b"), *find_preset("Q4_K_S"), true);
    const auto moved = resolved(R"(
        extends = "Q4_K_S"
        [[rule]]
        role = "attn_v"
        layer = "0-1"
        type = "q8_0"
    )",
                                "qwen3-14b");
    EXPECT_EQ(type_of(plain, "blk.3.attn_v.weight"), "q5_K");
    EXPECT_EQ(type_of(plain, "blk.4.attn_v.weight"), "q4_K");
    EXPECT_EQ(type_of(moved, "blk.5.attn_v.weight"), "q5_K");  // the fourth that is counted
    EXPECT_EQ(type_of(moved, "blk.6.attn_v.weight"), "q4_K");
}

TEST(Recipe, RowsThatDoNotFitGetMoreBitsAndSaySo) {
    const auto resolution = resolve(real_model("gpt-oss-120b"), *find_preset("Q4_K_S"), true);
    const ResolvedTensor* tensor = resolution.find("blk.20.attn_q.weight");
    EXPECT_EQ(tensor->wanted, "q4_K");
    EXPECT_EQ(tensor->type, "q5_0");
    EXPECT_TRUE(tensor->fell_back());
}

TEST(Recipe, OnlyAForcedRuleChangesARouter) {
    const std::string rule =
        "default = \"q8_0\"\n[[rule]]\nrole = \"ffn_gate_inp\"\ntype = \"q8_0\"\n";
    EXPECT_THAT(resolve_refusal(rule, "qwen3.5-35b-a3b"), HasSubstr("only tensors that are never"));
    const auto forced = resolved(rule + "force = true\n", "qwen3.5-35b-a3b");
    EXPECT_EQ(type_of(forced, "blk.0.ffn_gate_inp.weight"), "q8_0");
    EXPECT_TRUE(forced.find("blk.0.ffn_gate_inp.weight")->forced);
}

TEST(Recipe, KeepLeavesATensorAsItIs) {
    const auto resolution = resolved(
        "default = \"keep\"\n[[rule]]\nrole = \"ffn_up\"\ntype = \"q4_K\"\n", "qwen3-0.6b");
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_up.weight"), "q4_K");
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_down.weight"), "bf16");
}

TEST(Recipe, MissingImportanceIsNamed) {
    const ModelHeader model = real_model("qwen3-14b");
    EXPECT_NO_THROW(require_importance(resolve(model, *find_preset("IQ2_XS"), true), ""));
    EXPECT_NO_THROW(require_importance(resolve(model, *find_preset("Q2_K"), false), ""));
    EXPECT_THAT(
        refusal([&] { require_importance(resolve(model, *find_preset("IQ2_XS"), false), ""); }),
        HasSubstr("iq2_xs cannot be made without importance, and none was given: 'blk."));
    EXPECT_THAT(
        refusal([&] { require_importance(resolve(model, *find_preset("Q2_K_S"), false), ""); }),
        HasSubstr("q2_K cannot be made without importance"));
}

// --- refusals: one sentence each
// -------------------------------------------------------------------

TEST(RecipeRefusal, NamesFileLineAndTheNearestName) {
    EXPECT_THAT(parse_refusal("default = \"q4_KM\"\n"),
                HasSubstr("recipe 'mix.recipe': unknown type 'q4_KM'; did you mean 'q4_K'?"));
    EXPECT_THAT(parse_refusal("default = \"q4_K\"\n[[rule]]\nrole = \"output\"\ntype = \"q6k\"\n"),
                HasSubstr("recipe 'mix.recipe' line 2: unknown type 'q6k'; did you mean 'q6_K'?"));
    EXPECT_THAT(parse_refusal("default = \"q4_K\"\n[[rule]]\nrol = \"output\"\ntype = \"q6_K\"\n"),
                HasSubstr("line 3: unknown key 'rol'; did you mean 'role'?"));
    EXPECT_THAT(parse_refusal("extends = \"Q4_K_N\"\n"), HasSubstr("did you mean 'Q4_K_M'?"));
    EXPECT_THAT(parse_refusal("default = \"q4_K\"\n[values]\nhigh = \"q6_K\"\n[[rule]]\n"
                              "role = \"output\"\ntype = \"$hihg\"\n"),
                HasSubstr("no value is named 'hihg'; did you mean 'high'?"));
    EXPECT_THAT(parse_refusal("default = \n"), HasSubstr("line 1: no TOML"));
    EXPECT_THAT(parse_refusal("name = \"x\"\n"), HasSubstr("no 'default' type"));
}

TEST(RecipeRefusal, ConditionsThatMeanNothing) {
    const std::string head = "default = \"q4_K\"\n[[rule]]\ntype = \"q6_K\"\n";
    EXPECT_THAT(parse_refusal(head + "layer = \"frist 1/8\"\n"),
                HasSubstr("'layer' must be layers"));
    EXPECT_THAT(parse_refusal(head + "row = \"=> 3\"\n"), HasSubstr("'row' must be a number"));
    EXPECT_THAT(parse_refusal(head + "regex = \"(\"\n"), HasSubstr("no regular expression"));
    EXPECT_THAT(parse_refusal(head + "expert = 1\n"), HasSubstr("must be true or false"));
    EXPECT_THAT(parse_refusal(head + "layer = 1\nindex = \"count\"\n"),
                HasSubstr("needs one 'set'"));
    EXPECT_THAT(parse_refusal("default = \"q4_K\"\n[[rule]]\nrole = \"output\"\n"),
                HasSubstr("no 'type'"));
}

TEST(RecipeRefusal, ARuleThatMatchesNothing) {
    EXPECT_THAT(
        resolve_refusal("default = \"q4_K\"\n[[rule]]\nrole = \"ffn_dwn\"\ntype = \"q6_K\"\n",
                        "qwen3-0.6b"),
        HasSubstr("line 2: the rule 'role ffn_dwn: q6_K' matches no tensor of this model; "
                  "did you mean 'ffn_down'?"));
    EXPECT_NO_THROW(
        resolved("default = \"q4_K\"\n[[rule]]\nrole = \"ffn_down_exps\"\n"
                 "type = \"q6_K\"\noptional = true\n",
                 "qwen3-0.6b"));
}

TEST(RecipeRefusal, ARowLengthNothingFits) {
    EXPECT_THAT(
        resolve_refusal("default = \"q8_0\"\n[[rule]]\nrole = \"attn_k_b\"\ntype = \"iq4_k\"\n",
                        "deepseek-v3.1"),
        HasSubstr("blk.0.attn_k_b.weight has rows of 128 weights, which iq4_k cannot hold"));
}

TEST(RecipeRefusal, ACycle) {
    const auto folder = std::filesystem::temp_directory_path() / "bitgauge_recipe_cycle";
    std::filesystem::create_directories(folder);
    write_file_atomically(folder / "a.recipe", "extends = \"b.recipe\"\n");
    write_file_atomically(folder / "b.recipe", "extends = \"a.recipe\"\n");
    EXPECT_THAT(refusal([&] { load_recipe((folder / "a.recipe").string()); }),
                HasSubstr("it extends itself: "));
}

// --- other tools' rules
// ----------------------------------------------------------------------------

TEST(Exchange, ATensorTypeFileIsReadAsLlamaCppReadsIt) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_types.txt";
    write_file_atomically(path, "BLK\\.0\\.ffn_down=Q8_0 ffn_down=q5_K\nffn_down=q6_K\n");
    const Recipe recipe = read_tensor_type_file(path, "Q4_K_M");
    const auto resolution = resolve(real_model("qwen3-0.6b"), recipe, true);
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_down.weight"), "q8_0");  // lower-cased, first match
    EXPECT_EQ(type_of(resolution, "blk.1.ffn_down.weight"), "q5_K");  // found anywhere
    write_file_atomically(path, "# comment\n");
    EXPECT_THAT(refusal([&] { read_tensor_type_file(path, "Q4_K_M"); }),
                HasSubstr("line 1: '#' is not REGEX=TYPE | a tensor-type file has no comments"));
    EXPECT_THAT(refusal([&] { read_tensor_type_file(path, "BF16"); }), HasSubstr("are ignored"));
}

TEST(Exchange, CustomQHasCommasAndCommentLines) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_custom_q.txt";
    write_file_atomically(path, "# attention\nattn_.*=q8_0,\nffn_down=iq4_k,ffn_up=iq2_kt\n");
    const Recipe recipe = read_custom_q(path, "Q4_K_M");
    const auto resolution = resolve(real_model("qwen3-0.6b"), recipe, true);
    EXPECT_EQ(type_of(resolution, "blk.9.attn_q.weight"), "q8_0");
    EXPECT_EQ(type_of(resolution, "blk.9.ffn_down.weight"), "iq4_k");
    EXPECT_THAT(refusal([&] { tensor_type_file(resolution); }), HasSubstr("only ik_llama.cpp has"));
}

TEST(Exchange, WhatIsWrittenReadsBackToTheSameTypes) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_exported.txt";
    const ModelHeader model = real_model("qwen3.5-35b-a3b");
    const auto original = resolve(model, *find_preset("AesSedai-IQ4_XS"), true);
    for (const bool ik : {false, true}) {
        write_file_atomically(path, ik ? custom_q(original) : tensor_type_file(original));
        const Recipe recipe =
            ik ? read_custom_q(path, "Q2_K") : read_tensor_type_file(path, "Q2_K");
        const auto again = resolve(model, recipe, true);
        for (size_t i = 0; i < original.tensors.size(); ++i) {
            EXPECT_EQ(again.tensors[i].type, original.tensors[i].type) << again.tensors[i].name;
        }
    }
}

TEST(Exchange, LlamaQuantizeHasNoTypesOfIk) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_ik_types.txt";
    write_file_atomically(path, "attn_q=q8_0 ffn_down=iq4_k\n");
    EXPECT_THAT(refusal([&] { read_tensor_type_file(path, "Q4_K_M"); }),
                HasSubstr("line 1: llama-quantize has no type iq4_k, only ik_llama.cpp | say "
                          "--custom-q"));
}

// ik_llama.cpp chooses by its mixture first and replaces the type after, so that what it counts
// does not move.
TEST(Exchange, TensorsOfACustomQStillCount) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_counts.txt";
    write_file_atomically(path, "blk\\.[01]\\.attn_v=q8_0\n");
    const Recipe read = read_custom_q(path, "Q4_K_S");
    const Recipe again = parse_recipe(recipe_text(read), "again");
    for (const Recipe* recipe : {&read, &again}) {
        const auto resolution = resolve(real_model("qwen3-14b"), *recipe, true);
        EXPECT_EQ(type_of(resolution, "blk.1.attn_v.weight"), "q8_0");
        EXPECT_EQ(type_of(resolution, "blk.3.attn_v.weight"), "q5_K");
        EXPECT_EQ(type_of(resolution, "blk.4.attn_v.weight"), "q4_K");
    }
}

TEST(Exchange, WhatFallsToTheBaseOfACustomQIsTold) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_fallen.txt";
    const ModelHeader model = real_model("qwen3-0.6b");
    write_file_atomically(path, "attn_.*=q8_0,ffn_.*=iq4_ks\n");
    const auto some = resolve(model, read_custom_q(path, "Q4_K_M"), true);
    ASSERT_EQ(some.notes.size(), 1U);
    EXPECT_THAT(some.notes.front(),
                HasSubstr("no rule takes 'output.weight', 'token_embd.weight': they get "
                          "llama.cpp's Q4_K_M"));
    write_file_atomically(path, ".*=q8_0\n");
    EXPECT_TRUE(resolve(model, read_custom_q(path, "Q4_K_M"), true).notes.empty());
}

TEST(Exchange, TheBaseOfACustomQMayBeATypeOfIk) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_ik_base.txt";
    write_file_atomically(path, "attn_.*=q8_0\n");
    const Recipe recipe = read_custom_q(path, "IQ4_KS");
    const auto resolution = resolve(real_model("qwen3-0.6b"), recipe, true);
    EXPECT_EQ(type_of(resolution, "blk.0.attn_q.weight"), "q8_0");
    EXPECT_EQ(type_of(resolution, "blk.0.ffn_up.weight"), "iq4_ks");
    EXPECT_THAT(refusal([&] { read_tensor_type_file(path, "IQ4_KS"); }), HasSubstr("neither a"));
}

TEST(Exchange, IkLacksSomeOfGgmlsTypes) {
    for (const char* type : {"tq1_0", "tq2_0", "nvfp4", "q1_0", "q2_0"}) {
        const auto resolution =
            resolved("default = \"" + std::string(type) + "\"\n", "qwen3-14b", true);
        EXPECT_THAT(refusal([&] { custom_q(resolution); }), HasSubstr("does not have")) << type;
        EXPECT_NO_THROW(tensor_type_file(resolution)) << type;
    }
}

}  // namespace
}  // namespace bitgauge
