#include "tasks/generation.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "engine/engine_testing.h"
#include "engine/token_reader_testing.h"

namespace bitgauge {
namespace {

constexpr TokenId kVocabulary = 6;

// After token t comes t + 1; the last ends the answer.
std::vector<float> counting(const std::vector<TokenId>& read) {
    std::vector<float> logits(kVocabulary, 0);
    logits[static_cast<size_t>((read.back() + 1) % kVocabulary)] = 5;
    return logits;
}

std::map<std::string, Answer> written(ScriptedReader& reader,
                                      const std::vector<TokenizedPrompt>& prompts,
                                      uint32_t sequences, const AnswerSettings& settings = {},
                                      uint32_t window = 64) {
    std::map<std::string, Answer> answers;
    write_answers(reader, LetterWords(kVocabulary),
                  {.window_tokens = window, .sequences = sequences}, prompts, settings,
                  [&](Answer a) {
                      EXPECT_FALSE(answers.contains(a.key)) << "answered twice";
                      answers[a.key] = std::move(a);
                  });
    return answers;
}

std::vector<TokenizedPrompt> prompts_of_all_kinds() {
    return {{"long", {4, 4, 4, 4, 4, 4, 4, 4, 4, 0}}, {"short", {3}}, {"middle", {0, 1}}};
}

TEST(Generation, WritesUntilTheModelEnds) {
    ScriptedReader reader(counting);
    const auto answers = written(reader, prompts_of_all_kinds(), 2);
    EXPECT_EQ(answers.at("long").text, "bcde");
    EXPECT_EQ(answers.at("short").text, "e");
    EXPECT_EQ(answers.at("middle").text, "cde");
    EXPECT_EQ(answers.at("middle").tokens, 4U);  // with the one that ended it
    EXPECT_EQ(answers.at("middle").end, Answer::End::kComplete);
}

TEST(Generation, IsTheSameHoweverManyAreWrittenAtATime) {
    ScriptedReader alone(counting);
    ScriptedReader together(counting);
    const auto a = written(alone, prompts_of_all_kinds(), 1);
    const auto b = written(together, prompts_of_all_kinds(), 3);
    for (const auto& [key, answer] : a) EXPECT_EQ(answer.text, b.at(key).text);
    EXPECT_LT(together.calls, alone.calls);
}

TEST(Generation, LeavesNoSequenceOutThatOthersComeAfter) {
    ScriptedReader reader(counting);
    const std::vector<TokenizedPrompt> prompts = {
        {"a", {4}}, {"b", {0}}, {"c", {3}}, {"d", {0, 1}}};
    const auto answers = written(reader, prompts, 4);
    EXPECT_EQ(answers.at("b").text, "bcde");
    EXPECT_EQ(answers.at("d").text, "cde");
    EXPECT_EQ(reader.gaps, 0);
}

TEST(Generation, StopsAtTheBudget) {
    ScriptedReader reader(counting);
    const auto answers = written(reader, {{"q", {0}}}, 1, {.answer_tokens = 2});
    EXPECT_EQ(answers.at("q").text, "bc");
    EXPECT_EQ(answers.at("q").end, Answer::End::kBudget);
}

TEST(Generation, StopsWhereTheMemoryEnds) {
    const auto never = [](const auto&) { return std::vector<float>{1, 0, 0, 0, 0, 0}; };
    ScriptedReader reader(never);
    const auto answers = written(reader, {{"q", {1, 1}}}, 1, {}, 5);
    EXPECT_EQ(answers.at("q").text, "aaaa");  // tokens 2 to 4, and the one that follows them
    EXPECT_EQ(answers.at("q").end, Answer::End::kBudget);
}

TEST(Generation, EndsWhereNothingCanBeChosen) {
    const auto broken = [](const auto&) { return std::vector<float>{1, NAN, 0, 0, 0, 0}; };
    ScriptedReader reader(broken);
    EXPECT_EQ(written(reader, {{"q", {1}}}, 1).at("q").end, Answer::End::kNotFinite);
}

TEST(Generation, DrawsTheSameForTheSameSeedAndAnotherForAnother) {
    const auto open = [](const auto&) { return std::vector<float>{1, 1, 1, 1, 1, -50}; };
    const auto text = [&](uint64_t seed, uint32_t sequences) {
        ScriptedReader reader(open);
        return written(reader, {{"other", {1}}, {"q", {0}}}, sequences,
                       {.answer_tokens = 20, .sampling = {.temperature = 1}, .seed = seed})
            .at("q")
            .text;
    };
    EXPECT_EQ(text(1, 1), text(1, 2));
    EXPECT_NE(text(1, 1), text(2, 1));
}

TEST(Generation, OfAPromptBeyondTheTrainedContextIsNotTried) {
    const Model model = Model::load(baby_llama(), one_thread());
    const std::vector<TokenizedPrompt> prompts = {
        {"long", std::vector<TokenId>(model.trained_context() + 1, 5)}};
    generate_answers(model, prompts, {}, one_thread(), [](const Answer& answer) {
        EXPECT_EQ(answer.end, Answer::End::kTooLong);
        EXPECT_TRUE(answer.text.empty());
    });
}

TEST(Generation, OfARealModelIsGreedyAndTheSameInAnyCompany) {
    const Model model = Model::load(baby_llama(), one_thread());
    const auto prompt = [&](const char* text) {
        return TokenizedPrompt{text, model.tokenize(text, true, false)};
    };
    const std::vector<TokenizedPrompt> prompts = {prompt("Once upon a time"), prompt("The dog"),
                                                  prompt("One day")};
    std::map<std::string, std::string> together;
    const AnswerSettings settings = {.answer_tokens = 24};
    generate_answers(model, prompts, settings, one_thread(),
                     [&](const Answer& a) { together[a.key] = a.text; });
    for (const TokenizedPrompt& each : prompts) {
        generate_answers(model, std::span(&each, 1), settings, one_thread(), [&](const Answer& a) {
            EXPECT_EQ(a.text, together.at(each.key));
            EXPECT_FALSE(a.text.empty());
        });
    }
}

// The long prompt takes a call more to read, so it is alone at the end, and moves to the front.
TEST(Generation, OfARecurrentModelGoesOnWhereItIsMovedTo) {
    const Model model = Model::load(tiny_moe(), one_thread());
    const std::vector<TokenId> story = model.tokenize("Once there was a girl.", true, false);
    std::vector<TokenId> long_story;
    while (long_story.size() < 600) {
        long_story.insert(long_story.end(), story.begin(), story.end());
    }
    const std::vector<TokenizedPrompt> prompts = {{"short", story}, {"long", long_story}};
    std::map<std::string, std::vector<TokenId>> together;
    const AnswerSettings settings = {.answer_tokens = 8};
    generate_answers(model, prompts, settings, one_thread(),
                     [&](const Answer& a) { together[a.key] = a.token_ids; });
    generate_answers(model, std::span(&prompts[1], 1), settings, one_thread(),
                     [&](const Answer& a) { EXPECT_EQ(a.token_ids, together.at("long")); });
    EXPECT_EQ(together.at("long").size(), 8U);
}

}  // namespace
}  // namespace bitgauge
