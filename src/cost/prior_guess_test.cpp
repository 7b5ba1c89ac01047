// From priors to the sensitivities of another model, and which prior is nearest.

#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/prior.h"

#include "cost/prior_testing.h"

namespace bitgauge {
namespace {

const PriorRole kRising{.tensors = 9, .weights = 9000, .curve = {{0, .01, .1}, {1, .16, .1}}};

// --- curves --------------------------------------------------------------------------------------

TEST(PriorGuess, DepthIsRelativeAndInterpolatedOnTheLogarithm) {
    const Prior prior = made_prior("p", "llama", 1, {{"ffn_up", kRising}});
    std::vector<TensorCost> tensors;
    for (int32_t layer = 0; layer < 9; ++layer) tensors.push_back(guessed_tensor("ffn_up", layer));
    const auto all = guess_sensitivities(prior, tensors).sensitivities;
    // .01 to .16 over 8 steps: a factor of 2 with every second layer
    EXPECT_NEAR(all[0].smooth, .01, 1e-12);
    EXPECT_NEAR(all[2].smooth, .02, 1e-12);
    EXPECT_NEAR(all[4].smooth, .04, 1e-12);
    EXPECT_NEAR(all[8].smooth, .16, 1e-12);
    EXPECT_NEAR(all[4].switching, .1, 1e-12);
    EXPECT_EQ(all[4].source, Sensitivity::Source::kPrior);
    EXPECT_NEAR(all[4].anchors.at(0).nats, all[4].nats_at(all[4].anchors[0].error), 1e-15);
}

TEST(PriorGuess, WithMoreLayersEachCostsLessAndAllTogetherTheSame) {
    const PriorRole flat{.tensors = 4, .weights = 4000, .curve = {{0, .5, .25}}};
    const Prior prior = made_prior("p", "llama", 1, {{"ffn_up", flat}});
    std::vector<TensorCost> tensors;
    for (int32_t layer = 0; layer < 8; ++layer) tensors.push_back(guessed_tensor("ffn_up", layer));
    const auto all = guess_sensitivities(prior, tensors).sensitivities;
    EXPECT_NEAR(8 * all[0].smooth, 4 * .5, 1e-12);
    // a p-norm of n equal parts is n^(1/p) of one
    const double p = prior.calibration.norm;
    EXPECT_NEAR(std::pow(8, 1 / p) * all[0].switching, std::pow(4, 1 / p) * .25, 1e-12);
}

TEST(PriorGuess, AnEntryOfASweepGivesItsSensitivitiesBack) {
    SweepTable sweep{.original = {.file = "m.gguf", .name = "m", .architecture = "llama"}};
    for (int32_t layer = 0; layer < 5; ++layer) {
        const double more = 1 + layer;
        sweep.tensors.push_back(
            made_cost("ffn_up", layer, {{.01, law(more, .1, .01)}, {.04, law(more, .1, .04)}}));
    }
    sweep.tensors.push_back(made_cost("ffn_down", 3, {{.02, .01}}));
    sweep.mixes.push_back({.name = "mix"});
    const Prior prior = parse_prior(prior_text([&] {
                                        Prior p = prior_of(sweep);
                                        p.parameters = 1;
                                        return p;
                                    }()),
                                    "again");
    const auto guessed = guess_sensitivities(prior, sweep.tensors);
    const auto measured = sensitivities(sweep);
    EXPECT_TRUE(guessed.unknown_roles.empty());
    for (size_t i = 0; i < measured.size(); ++i) {
        EXPECT_NEAR(guessed.sensitivities[i].smooth, measured[i].smooth, 1e-4);
        EXPECT_NEAR(guessed.sensitivities[i].switching, measured[i].switching, 1e-5);
    }
}

TEST(PriorGuess, SweepsThatAreNotCompleteAreRefused) {
    SweepTable sweep{.original = {.file = "m.gguf", .name = "m"}};
    expect_says(refusal([&] { prior_of(sweep); }), {"'m.gguf' is not complete", "no tensors"});
    sweep.tensors = {made_cost("ffn_up", 0, {{.02, .01}}), made_cost("ffn_down", 0, {})};
    expect_says(refusal([&] { prior_of(sweep); }), {"nothing is measured of 'ffn_down'"});
    sweep.tensors[1] = made_cost("ffn_down", 0, {{.02, .01}});
    expect_says(refusal([&] { prior_of(sweep); }), {"no whole mix", "bitgauge sweep"});
}

// --- roles the prior does not have ---------------------------------------------------------------

TEST(PriorGuess, AnUnknownRoleCostsTheGeometricMeanOfItsKindByShareOfWeights) {
    const Prior prior =
        made_prior("p", "x", 1,
                   {{"attn_q", {.tensors = 1, .weights = 100, .curve = {{0, 1, 0}}}},
                    {"attn_k", {.tensors = 1, .weights = 100, .curve = {{0, 4, 0}}}},
                    {"ffn_up_exps", {.tensors = 1, .weights = 800, .curve = {{0, 8, 0}}}}});
    const auto guessed = guess_sensitivities(
        prior, {guessed_tensor("attn_new", 0, 100), guessed_tensor("attn_new", 1, 100),
                guessed_tensor("ffn_new_exps", 0, 800)});
    EXPECT_EQ(guessed.unknown_roles, (std::vector<std::string>{"attn_new", "ffn_new_exps"}));
    // a tenth of the weights costs sqrt(1 * 4) = 2: a fifth in two tensors costs 2 each
    EXPECT_NEAR(guessed.sensitivities[0].smooth, 2, 1e-9);
    EXPECT_NEAR(guessed.sensitivities[2].smooth, 8, 1e-9);
}

TEST(PriorGuess, ATiedHeadCostsWhatHeadAndEmbeddingsDo) {
    const PriorRole embedding{.tensors = 1, .weights = 100, .curve = {{0, 1, 0}}};
    const PriorRole head{.tensors = 1, .weights = 100, .curve = {{0, 4, 0}}};
    const Prior untied = made_prior("p", "x", 1, {{"token_embd", embedding}, {"output", head}});
    const Prior tied = made_prior("p", "x", 1, {{"token_embd", embedding}});
    const auto one = [](const Prior& prior, const std::vector<TensorCost>& tensors, size_t i) {
        return guess_sensitivities(prior, tensors).sensitivities.at(i).smooth;
    };
    const std::vector<TensorCost> both{guessed_tensor("token_embd", -1),
                                       guessed_tensor("output", -1)};
    EXPECT_NEAR(one(untied, {both[0]}, 0), 5, 1e-12);
    EXPECT_NEAR(one(untied, both, 0), 1, 1e-12);
    EXPECT_NEAR(one(tied, both, 0), 1.0 / 7, 1e-12);
    EXPECT_NEAR(one(tied, both, 1), 1, 1e-12);
    EXPECT_NEAR(one(tied, {both[0]}, 0), 1, 1e-12);
    EXPECT_TRUE(guess_sensitivities(tied, both).unknown_roles.empty());
}

// --- the nearest ---------------------------------------------------------------------------------

ModelHeader model_of(const std::string& architecture, const std::vector<std::string>& roles,
                     uint64_t width) {
    ModelHeader model{.architecture = architecture, .layers = 1, .heads = 1, .kv_heads = 1};
    for (const std::string& role : roles) {
        if (role.ends_with("_exps")) model.experts = 4;
        model.tensors.push_back(made_tensor("blk.0." + role + ".weight", {width, 256}, "bf16"));
    }
    return model;
}

const std::map<std::string, PriorRole> kDense{{"ffn_up", kRising}};
const std::map<std::string, PriorRole> kExperts{{"ffn_up_exps", kRising}};

TEST(NearestPrior, IsOfTheSameArchitectureAndNearestInSize) {
    const std::vector<Prior> priors{made_prior("other", "qwen3", 256 * 256, kDense),
                                    made_prior("huge", "llama", 1ULL << 40U, kDense),
                                    made_prior("near", "llama", 1U << 20U, kDense),
                                    made_prior("tiny", "llama", 16, kDense)};
    EXPECT_EQ(nearest_prior(priors, model_of("llama", {"ffn_up"}, 256)).name, "near");
}

TEST(NearestPrior, IsElseOfTheSameKindAndKnowsMostOfTheWeights) {
    const std::vector<Prior> priors{
        made_prior("experts", "a", 256 * 256, kExperts), made_prior("dense", "b", 1, kDense),
        made_prior("more", "c", 1, {{"ffn_up", kRising}, {"attn_q", kRising}})};
    EXPECT_EQ(nearest_prior(priors, model_of("llama", {"ffn_up", "attn_q"}, 256)).name, "more");
    EXPECT_EQ(nearest_prior(priors, model_of("llama", {"ffn_up_exps"}, 256)).name, "experts");
}

TEST(NearestPrior, IsNoneWhereThereIsNoneOfTheKind) {
    const std::vector<Prior> priors{made_prior("experts", "a", 1, kExperts)};
    expect_says(refusal([&] { nearest_prior(priors, model_of("llama", {"ffn_up"}, 256)); }),
                {"no prior of a model without experts", "--prior"});
    expect_says(refusal([] { nearest_prior({}, model_of("llama", {"ffn_up"}, 256)); }),
                {"no prior to guess from", "bitgauge prior add"});
}

TEST(NearestPrior, ATinyModelIsNotTakenForALargeOne) {
    const ModelHeader large = real_model("qwen3.5-35b-a3b");
    EXPECT_EQ(nearest_prior(shipped_priors(), large).name, "Qwen3.5-35B-A3B");
    const ModelHeader larger = real_model("qwen3.5-397b-a17b");
    EXPECT_EQ(nearest_prior(shipped_priors(), larger).name, "Qwen3.5-35B-A3B");
}

TEST(PriorNamed, FindsByNameAndSuggests) {
    const std::vector<Prior> priors{made_prior("Tiny-1B", "a", 1, kDense)};
    EXPECT_EQ(prior_named(priors, "tiny-1b").name, "Tiny-1B");
    expect_says(refusal([&] { prior_named(priors, "Tiny-2B"); }), {"'Tiny-2B'", "'Tiny-1B'"});
}

}  // namespace
}  // namespace bitgauge
