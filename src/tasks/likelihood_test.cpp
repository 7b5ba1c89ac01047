#include "tasks/likelihood.h"

#include <cmath>

#include <gtest/gtest.h>

#include "engine/engine_testing.h"
#include "engine/token_reader_testing.h"

namespace bitgauge {
namespace {

constexpr size_t kTokens = 8;

std::vector<Answer> weighed(TokenReader& reader, const std::vector<TokenizedChoices>& questions,
                            const ReaderRoom& room = {}) {
    std::vector<Answer> answers;
    const auto groups = group_choices(questions);
    weigh_choices(reader, room, {questions, groups},
                  [&](Answer a) { answers.push_back(std::move(a)); });
    return answers;
}

TokenizedChoices question(const std::string& key, const std::vector<std::vector<TokenId>>& texts) {
    return {key, choice_tokens(texts)};
}

TEST(ChoiceTokens, TakeOffWhatAllBeginWithButLeaveEachSomething) {
    const auto parts = choice_tokens(std::vector<std::vector<TokenId>>{{1, 2, 3}, {1, 2, 3, 4}});
    EXPECT_EQ(parts.common, (std::vector<TokenId>{1, 2}));
    EXPECT_EQ(parts.own[0], (std::vector<TokenId>{3}));
    EXPECT_EQ(parts.own[1], (std::vector<TokenId>{3, 4}));
    EXPECT_EQ(parts.required(), 5U);
}

// Every token has the probability 1/8 everywhere.
TEST(Likelihood, OfAModelThatKnowsNothingIsThatOfUniformTokens) {
    ScriptedReader reader([](const auto&) { return std::vector<float>(kTokens, 0.5F); });
    const auto answers = weighed(reader, {question("q", {{0, 1, 2}, {0, 3, 4, 5}})});
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_NEAR(answers[0].log_likelihoods[0], 2 * std::log(1.0 / 8), 1e-12);
    EXPECT_NEAR(answers[0].log_likelihoods[1], 3 * std::log(1.0 / 8), 1e-12);
    EXPECT_EQ(answers[0].choice_tokens, (std::vector<uint32_t>{2, 3}));
    EXPECT_EQ(likeliest_choice(answers[0]), 0U);  // equal means: the first
}

// The oracle knows that after 0 comes 5, and after 5 comes 6.
TEST(Likelihood, OfAnOracleFindsTheRightChoiceOfEveryQuestion) {
    const auto oracle = [](const std::vector<TokenId>& read) {
        std::vector<float> logits(kTokens, 0);
        logits[read.back() == 5 ? 6 : 5] = 10;
        return logits;
    };
    std::vector<TokenizedChoices> questions;
    for (size_t right = 0; right < 4; ++right) {
        std::vector<std::vector<TokenId>> texts(4, {7, 0, 5, 1});
        texts[right] = {7, 0, 5, 6};
        questions.push_back(question(std::to_string(right), texts));
    }
    ScriptedReader reader(oracle, 3);
    const auto answers = weighed(reader, questions, {.tokens = 20, .sequences = 8});
    for (size_t right = 0; right < 4; ++right) {
        EXPECT_EQ(answers[right].key, std::to_string(right));
        EXPECT_EQ(likeliest_choice(answers[right]), right);
    }
}

// What follows depends on how much was read, so that a token too many or too few is seen.
std::vector<float> by_length(const std::vector<TokenId>& read) {
    std::vector<float> logits(kTokens, 0);
    logits[read.size() % kTokens] = 3;
    return logits;
}

std::vector<TokenizedChoices> questions_that_begin_alike() {
    std::vector<TokenizedChoices> questions;
    for (TokenId q = 0; q < 5; ++q) {
        std::vector<TokenId> text(q == 3 ? 20 : 90, q == 3 ? 6 : 7);
        text.insert(text.end(), {q, 1});
        std::vector<std::vector<TokenId>> texts(3, text);
        for (TokenId c = 0; c < 3; ++c)
            texts[static_cast<size_t>(c)].insert(texts[static_cast<size_t>(c)].end(), {c, 5});
        questions.push_back(question(std::to_string(q), texts));
    }
    return questions;
}

TEST(Likelihood, ReadsOnceWhatQuestionsBeginWith) {
    const auto questions = questions_that_begin_alike();
    ScriptedReader once(by_length);
    const auto answers = weighed(once, questions, {.tokens = 100, .sequences = 6});
    EXPECT_EQ(once.tokens, 90 + 4 * 2 + 22 + 5 * 3 * 1);
    for (const Answer& answer : answers) {
        ScriptedReader alone(by_length);
        const auto again = weighed(alone, {questions[std::stoul(answer.key)]});
        EXPECT_EQ(answer.log_likelihoods, again.front().log_likelihoods) << answer.key;
        EXPECT_EQ(answer.choice_tokens, again.front().choice_tokens);
    }
}

TEST(Likelihood, ReadsQuestionsTogetherThatBeginUnlike) {
    std::vector<TokenizedChoices> questions;
    for (TokenId q = 0; q < 6; ++q) {
        questions.push_back(question(std::to_string(q), {{q, 7, 1}, {q, 7, 2, 5}}));
    }
    ScriptedReader reader(by_length, /*call_tokens=*/100);
    EXPECT_EQ(weighed(reader, questions).size(), 6U);
    EXPECT_EQ(reader.calls, 2);  // the beginnings, then what the choices differ in
}

TEST(Likelihood, WithoutACommonBeginningTheFirstTokenOfEachIsNotCounted) {
    ScriptedReader reader([](const auto&) { return std::vector<float>(kTokens, 0); });
    const auto answers = weighed(reader, {question("q", {{1, 2, 3}, {4, 5}})});
    EXPECT_EQ(answers[0].choice_tokens, (std::vector<uint32_t>{2, 1}));
}

// Together with each other they have the likelihoods of each by itself; returns those.
std::map<std::string, Answer> weighed_as_alone(const Model& model,
                                               const std::vector<ChoicePrompt>& prompts,
                                               double tolerance) {
    std::map<std::string, Answer> together;
    weigh_choices(model, prompts, one_thread(), [&](Answer a) { together[a.key] = std::move(a); });
    for (const ChoicePrompt& prompt : prompts) {
        weigh_choices(model, std::span(&prompt, 1), one_thread(), [&](const Answer& alone) {
            const Answer& other = together.at(prompt.key);
            for (size_t c = 0; c < prompt.texts.size(); ++c) {
                EXPECT_NEAR(alone.log_likelihoods[c] / other.log_likelihoods[c], 1, tolerance)
                    << prompt.key;
            }
        });
    }
    return together;
}

TEST(Likelihood, DoesNotDependOnWhatElseIsAsked) {
    const Model model = Model::load(baby_llama(), one_thread());
    std::vector<ChoicePrompt> prompts;
    for (const char* text :
         {"Once upon a time", "The little dog was", "One day a girl named Lily"}) {
        const std::string prompt(text);
        prompts.push_back(
            {prompt, {prompt + " there was a cat", prompt + " happy", prompt + " xqz"}});
    }
    const auto together = weighed_as_alone(model, prompts, 1e-3);
    for (const auto& [key, answer] : together) EXPECT_NE(likeliest_choice(answer), 2U) << key;
}

TEST(Likelihood, OfARecurrentModelIsThatOfEachAloneWhereQuestionsBeginAlike) {
    const Model model = Model::load(tiny_moe(), one_thread());
    std::string passage;
    for (int i = 0; i < 4; ++i) {
        passage += "The castle stood on a hill above the river, and nobody had lived in it. ";
    }
    std::vector<ChoicePrompt> prompts;
    for (const char* end : {"The castle", "On the hill stood", "Nobody had ever seen"}) {
        const std::string prompt = passage + end;
        prompts.push_back({end, {prompt + " a king", prompt + " was old and grey", prompt + "?"}});
    }
    weighed_as_alone(model, prompts, 1e-2);
}

// Recurrent layers carry a state that is copied with the beginning.
TEST(Likelihood, OfARecurrentModelIsThatOfTheWholeTextReadAtOnce) {
    const Model model = Model::load(tiny_moe(), one_thread());
    const std::string beginning = "The capital of France is";
    const std::vector<std::string> texts = {beginning + " Paris", beginning + " a green apple"};
    weigh_choices(
        model, std::vector<ChoicePrompt>{{"q", texts}}, one_thread(), [&](const Answer& a) {
            for (size_t c = 0; c < texts.size(); ++c) {
                const auto tokens = model.tokenize(texts[c], true, false);
                const size_t from = tokens.size() - a.choice_tokens[c];
                const auto n = static_cast<uint32_t>(tokens.size());
                Context context(model, {.window_tokens = n, .sequences = 1, .call_tokens = n},
                                one_thread());
                std::vector<BatchToken> batch;
                for (uint32_t i = 0; i < n; ++i) {
                    batch.push_back({tokens[i], static_cast<int32_t>(i), 0, true});
                }
                context.decode(batch, Context::Depth::kLogits);
                double sum = 0;
                for (size_t i = from; i < tokens.size(); ++i) {
                    double total = 0;
                    const auto logits = context.logits(i - 1);
                    for (const float logit : logits) total += std::exp(logit);
                    sum += logits[static_cast<size_t>(tokens[i])] - std::log(total);
                }
                EXPECT_NEAR(a.log_likelihoods[c], sum, 0.02 * std::abs(sum)) << texts[c];
            }
        });
}

}  // namespace
}  // namespace bitgauge
