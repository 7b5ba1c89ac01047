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
    const auto groups = group_by_beginning(tokens_of(prompts));
    write_answers(reader, LetterWords(kVocabulary),
                  {.window_tokens = window, .sequences = sequences}, {prompts, groups}, settings,
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

// Three of a hundred common tokens, two of eighty others, one that stands alone.
std::vector<TokenizedPrompt> prompts_that_begin_alike() {
    std::vector<TokenizedPrompt> prompts;
    const auto add = [&](const std::string& key, std::vector<TokenId> tokens,
                         std::initializer_list<TokenId> own) {
        tokens.insert(tokens.end(), own);
        prompts.push_back({key, std::move(tokens)});
    };
    const std::vector<TokenId> many(100, 4);
    const std::vector<TokenId> others(80, 3);
    add("a", many, {0});
    add("x", others, {2, 0});
    add("b", many, {1});
    add("lone", {2}, {1, 2});
    add("y", others, {1});
    add("c", many, {2, 3});
    return prompts;
}

TEST(Generation, ReadsOnceWhatPromptsBeginWith) {
    const auto prompts = prompts_that_begin_alike();
    for (const uint32_t sequences : {1U, 2U, 4U}) {
        ScriptedReader reader(counting);
        const auto answers = written(reader, prompts, sequences, {}, 128);
        size_t own = 0;
        size_t after = 0;  // tokens of answers that were read in their turn
        for (const auto& prompt : prompts) {
            own += prompt.tokens.size() > 80 ? prompt.tokens.size() % 20 : prompt.tokens.size();
            after += answers.at(prompt.key).tokens - 1;
        }
        EXPECT_EQ(reader.tokens, 100 + 80 + own + after);
    }
}

TEST(Generation, IsTheSameWhetherABeginningIsReadOnceOrAgain) {
    const auto prompts = prompts_that_begin_alike();
    ScriptedReader once(counting);
    const auto answers = written(once, prompts, 3, {}, 128);
    for (const auto& prompt : prompts) {
        ScriptedReader alone(counting);
        const auto again = written(alone, {prompt}, 1, {}, 128);
        EXPECT_EQ(answers.at(prompt.key).token_ids, again.at(prompt.key).token_ids);
    }
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

// Copied where it was read to, and gone on from: also by layers that cannot go back.
TEST(Generation, OfARecurrentModelGoesOnFromACommonBeginning) {
    const Model model = Model::load(tiny_moe(), one_thread());
    const auto prompt = [&](const std::string& end) {
        const std::string text =
            "The castle stood on a hill above the river. Its walls were old, "
            "and nobody had lived in it since the war of the two kings, who "
            "had been brothers. In the village below it was said that ";
        std::string whole;
        for (int i = 0; i < 3; ++i) whole += text;
        return TokenizedPrompt{end, model.tokenize(whole + end, true, false)};
    };
    const std::vector<TokenizedPrompt> prompts = {prompt("the river"), prompt("a dragon had"),
                                                  prompt("his daughter was")};
    ASSERT_GT(group_by_beginning(tokens_of(prompts)).front().shared, 64U);
    std::map<std::string, std::vector<TokenId>> together;
    const AnswerSettings settings = {.answer_tokens = 12, .parallel = 2};
    generate_answers(model, prompts, settings, one_thread(),
                     [&](const Answer& a) { together[a.key] = a.token_ids; });
    for (const TokenizedPrompt& each : prompts) {
        generate_answers(model, std::span(&each, 1), settings, one_thread(),
                         [&](const Answer& a) { EXPECT_EQ(a.token_ids, together.at(a.key)); });
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
