#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/questions.h"

#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

QuestionSet numbered_set(const std::string& name, int count) {
    QuestionSet set;
    set.name = name;
    for (int i = 0; i < count; ++i) {
        Question question;
        question.id = fmt::format("{}", i);
        question.set = name;
        question.kind = AnswerKind::kValue;
        question.prompt = fmt::format("{} + 1", i);
        question.answer = fmt::format("{}", i + 1);
        set.questions.push_back(question);
    }
    return set;
}

std::vector<std::string> ids_of(const std::vector<Question>& questions) {
    std::vector<std::string> ids;
    for (const Question& question : questions) ids.push_back(question.id);
    return ids;
}

std::vector<std::string> drawn_ids(const QuestionSet& set, uint64_t seed, uint64_t count) {
    return ids_of(draw_questions({&set, 1}, {"test", seed, {{set.name, count, false}}}).questions);
}

Error mix_error(const std::string& text) {
    const TestFolder folder;
    const auto path = folder.file("mix.json", text);
    return error_of([&] { read_mix(path.string()); });
}

TEST(Draw, TakesNoQuestionTwice) {
    const std::vector<std::string> ids = drawn_ids(numbered_set("a", 100), 1, 60);
    EXPECT_EQ(ids.size(), 60U);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 60U);
}

// The order is part of what a record of an evaluation means: it must never change.
TEST(Draw, IsTheSameOnEveryPlatform) {
    EXPECT_EQ(drawn_ids(numbered_set("a", 20), 750, 5),
              (std::vector<std::string>{"14", "19", "12", "3", "7"}));
}

TEST(Draw, OnlyAddsWhereMoreAreAskedFor) {
    const QuestionSet set = numbered_set("a", 100);
    std::vector<std::string> more = drawn_ids(set, 1, 30);
    more.resize(10);
    EXPECT_EQ(more, drawn_ids(set, 1, 10));
}

TEST(Draw, GivesEachQuestionExamplesOfItsCategoryAndNeverItself) {
    QuestionSet set = numbered_set("a", 40);
    for (size_t i = 0; i < set.questions.size(); ++i) {
        set.questions[i].category = i % 2 == 0 ? "even" : "odd";
        if (i < 4) set.questions[i].kind = AnswerKind::kCode;
    }
    const QuestionMix mix = {"test", 1, {{"a", 0, false}}, 3};
    const std::vector<Question> drawn = draw_questions({&set, 1}, mix).questions;
    ASSERT_EQ(drawn.size(), 40U);
    std::set<std::string> beginnings;
    for (const Question& question : drawn) {
        const bool is_code = question.kind == AnswerKind::kCode;
        ASSERT_EQ(question.examples.size(), is_code ? 0U : 3U);
        for (const Question& example : question.examples) {
            EXPECT_EQ(example.category, question.category);
            EXPECT_EQ(example.kind, question.kind);
            EXPECT_NE(example.id, question.id);
        }
        if (!is_code)
            beginnings.insert(fmt::format("{}", fmt::join(ids_of(question.examples), " ")));
    }
    EXPECT_EQ(beginnings.size(),
              2 * 4U);  // of each category, and for its own three examples others
}

TEST(Draw, TakesExamplesFromTheEndOfTheOrder) {
    const QuestionSet set = numbered_set("a", 100);
    const QuestionMix mix = {"test", 1, {{"a", 90, false}}, 5};
    const std::vector<Question> drawn = draw_questions({&set, 1}, mix).questions;
    const auto ids = ids_of(drawn);
    for (const Question& example : drawn.front().examples) {
        EXPECT_FALSE(std::ranges::count(ids, example.id)) << example.id;
    }
}

TEST(Draw, DependsOnTheSeedAndNotOnTheOrderOfTheFile) {
    QuestionSet set = numbered_set("a", 100);
    const std::vector<std::string> ids = drawn_ids(set, 1, 10);
    EXPECT_NE(ids, drawn_ids(set, 2, 10));
    std::reverse(set.questions.begin(), set.questions.end());
    EXPECT_EQ(ids, drawn_ids(set, 1, 10));
}

TEST(Draw, OfOneSetIsTheSameWhateverTheOthersAre) {
    const std::vector<QuestionSet> sets = {numbered_set("a", 50), numbered_set("b", 50)};
    const DrawnQuestions drawn =
        draw_questions(sets, {"test", 3, {{"b", 7, false}, {"a", 5, false}}});
    std::vector<std::string> ids = ids_of(drawn.questions);
    ASSERT_EQ(ids.size(), 12U);
    ids.erase(ids.begin(), ids.begin() + 7);
    EXPECT_EQ(ids, drawn_ids(sets[0], 3, 5));
}

TEST(Draw, TakesOneOfEqualQuestions) {
    QuestionSet set = numbered_set("a", 3);
    set.questions.push_back(set.questions[0]);
    set.questions.back().id = "copy";
    const std::vector<std::string> ids = drawn_ids(set, 1, 0);
    EXPECT_EQ(ids.size(), 3U);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), "copy"), 0);
}

TEST(Draw, SaysWhatItIsShortOfAndGoesOn) {
    const QuestionSet set = numbered_set("a", 3);
    const DrawnQuestions drawn =
        draw_questions({&set, 1}, {"test", 1, {{"a", 5, false}, {"b", 9, true}}});
    EXPECT_EQ(drawn.questions.size(), 3U);
    ASSERT_EQ(drawn.shortfalls.size(), 2U);
    EXPECT_EQ(drawn.shortfalls[0], "3 of 5 questions of 'a': the set has no more");
    EXPECT_EQ(drawn.shortfalls[1], "9 questions of 'b' are left out: there is no such set");
}

TEST(Draw, NeedsEachSetThatIsNotOptional) {
    const QuestionSet set = numbered_set("a", 3);
    const Error error = error_of([&] {
        draw_questions({&set, 1}, {"test", 1, {{"a", 1, false}, {"b", 9, false}}});
    });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(contains(error.what(), "needs 9 questions of 'b'")) << error.what();
}

TEST(Mix, Published750IsFourSets) {
    const QuestionMix mix = read_mix("published-750");
    uint64_t sum = 0;
    for (const MixPart& part : mix.parts) sum += part.count;
    EXPECT_EQ(sum, 750U);
    EXPECT_EQ(mix.parts.at(1).set, "gpqa-diamond");
    EXPECT_TRUE(mix.parts.at(1).optional);
    EXPECT_FALSE(mix.parts.at(0).optional);
}

TEST(Mix, PresetsAreNamedAsTheySayThemselves) {
    EXPECT_EQ(mix_presets(), (std::vector<std::string>{"published-750", "quick"}));
    for (const std::string& name : mix_presets()) EXPECT_EQ(read_mix(name).name, name);
}

TEST(Mix, SuggestsThePresetThatWasMeant) {
    const Error error = error_of([] { read_mix("quik"); });
    EXPECT_EQ(error.hint(), "did you mean 'quick'?");
}

TEST(Mix, SaysWhatIsWrongInAFile) {
    EXPECT_TRUE(contains(mix_error("{").what(), "is no mix of questions"));
    EXPECT_TRUE(contains(mix_error(R"({"name":"x","seed":1,"sets":[]})").what(), "is empty"));
    EXPECT_TRUE(
        contains(mix_error(R"({"name":"x","sede":1,"sets":[]})").what(), "unknown key \"sede\""));
    EXPECT_TRUE(
        contains(mix_error(R"({"name":"x","sets":[{"set":"a"},{"set":"a"}]})").what(), "twice"));
    EXPECT_TRUE(contains(mix_error(R"({"name":"x","sets":[{"set":"a","count":-1}]})").what(),
                         "\"count\" is -1"));
}

TEST(Mix, IsReadFromTheFolderAndDrawn) {
    const TestFolder folder;
    folder.file("gsm8k.jsonl", read_text_file(data_path("gsm8k_excerpt.jsonl")));
    const auto path = folder.file(
        "mix.json",
        R"({"name":"m","seed":1,"sets":[{"set":"gsm8k","count":2},{"set":"piqa","optional":true}]})");
    const QuestionMix mix = read_mix(path.string());
    const DrawnQuestions drawn = draw_questions(read_mix_sets(folder.path(), mix), mix);
    EXPECT_EQ(drawn.questions.size(), 2U);
    EXPECT_EQ(drawn.questions[0].set, "gsm8k");
    EXPECT_EQ(drawn.shortfalls.size(), 1U);
}

}  // namespace
}  // namespace bitgauge
