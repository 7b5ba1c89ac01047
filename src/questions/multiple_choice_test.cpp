#include <cstring>

#include <gtest/gtest.h>

#include "bitgauge/questions.h"

#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

std::string number(uint32_t value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string text(const std::string& content) {
    return number(static_cast<uint32_t>(content.size())) + content;
}

// One task, "1 + 1 =" with the choices "3" and "2".
std::string one_task(uint32_t first_label = 0, uint32_t second_label = 1) {
    return text("1 + 1 =") + number(2) + text("3") + text("2") + number(first_label) +
           number(second_label) + number(0);
}

std::string file_of(const std::string& task) {
    return number(1) + number(8) + task;
}

QuestionSet read_bytes(const std::string& bytes) {
    const TestFolder folder;
    return read_questions(folder.file("sums.bin", bytes));
}

TEST(MultipleChoice, IsReadAsLlamaPerplexityReadsIt) {
    const QuestionSet set = read_bytes(file_of(one_task()));
    EXPECT_EQ(set.name, "sums");
    const Question& question = set.questions.at(0);
    EXPECT_EQ(question.id, "sums/0");
    EXPECT_EQ(question.kind, AnswerKind::kContinuation);
    EXPECT_EQ(question.prompt, "1 + 1 =");
    EXPECT_EQ(question.choices, (std::vector<std::string>{"3", "2"}));
    EXPECT_EQ(question.correct, 1);
}

TEST(MultipleChoice, SkipsTasksWithoutOneRightChoice) {
    const std::string good = one_task();
    const std::string both = number(2) + number(12) +
                             number(12 + static_cast<uint32_t>(good.size())) + good +
                             one_task(1, 1);
    const QuestionSet set = read_bytes(both);
    ASSERT_EQ(set.skipped.size(), 1U);
    EXPECT_EQ(set.skipped[0].reason, "not exactly one choice is right");
}

TEST(MultipleChoice, RefusesAFileThatIsCutOffAnywhere) {
    const std::string whole = file_of(one_task());
    for (size_t size = 12; size < whole.size() - sizeof(uint32_t); ++size) {
        const Error error = error_of([&] { read_bytes(whole.substr(0, size)); });
        EXPECT_EQ(error.kind(), ErrorKind::kInput) << size;
        EXPECT_TRUE(contains(error.what(), "damaged at byte")) << error.what();
    }
}

TEST(MultipleChoice, RefusesMoreChoicesThanLlamaPerplexityTakes) {
    const Error error =
        error_of([] { read_bytes(file_of(text("?") + number(101) + std::string(999, '\0'))); });
    EXPECT_TRUE(contains(error.what(), "101 choices")) << error.what();
}

TEST(MultipleChoice, ComesBackFromWritingAsItWas) {
    const TestFolder folder;
    const QuestionSet hellaswag = read_questions(data_path("hellaswag_excerpt.txt.bz2"));
    const auto path = folder.path() / "hellaswag.bin";
    write_multiple_choice(path, hellaswag.questions);
    const QuestionSet back = read_questions(path, "hellaswag");
    EXPECT_EQ(back.content_hash, hellaswag.content_hash);
}

TEST(MultipleChoice, IsWrittenByteForByteInLlamaPerplexitysForm) {
    const TestFolder folder;
    Question question;
    question.kind = AnswerKind::kContinuation;
    question.prompt = "1 + 1 =";
    question.choices = {"3", "2"};
    question.correct = 1;
    write_multiple_choice(folder.path() / "sums.bin", {&question, 1});
    EXPECT_EQ(read_text_file(folder.path() / "sums.bin"), file_of(one_task()));
}

TEST(MultipleChoice, PutsLetterQuestionsAsPromptAndLetters) {
    const TestFolder folder;
    const QuestionSet arc = read_questions(data_path("ARC-Challenge_excerpt.jsonl"));
    write_multiple_choice(folder.path() / "arc.bin", arc.questions);
    const Question back = read_questions(folder.path() / "arc.bin").questions.at(0);
    EXPECT_EQ(back.prompt, letter_prompt(arc.questions[0]));
    EXPECT_EQ(back.choices, (std::vector<std::string>{"A", "B", "C", "D"}));
    EXPECT_EQ(back.correct, arc.questions[0].correct);
}

TEST(MultipleChoice, CannotHoldQuestionsWithoutChoices) {
    const QuestionSet math = read_questions(data_path("math500_excerpt.jsonl"));
    const Error error = error_of([&] { write_multiple_choice("/nowhere/x", math.questions); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(contains(error.what(), "its kind is value")) << error.what();
}

}  // namespace
}  // namespace bitgauge
