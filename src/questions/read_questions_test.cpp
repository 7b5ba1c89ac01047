#include <map>
#include <string>

#include <gtest/gtest.h>

#include "bitgauge/questions.h"

#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

Error reading_error(const std::string& name, const std::string& text) {
    const TestFolder folder;
    const auto path = folder.file(name, text);
    return error_of([&] { read_questions(path); });
}

std::map<std::string, std::string> reasons_of(const QuestionSet& set) {
    std::map<std::string, std::string> reasons;
    for (const SkippedQuestion& skipped : set.skipped) reasons[skipped.id] = skipped.reason;
    return reasons;
}

TEST(OwnFormat, HasOneQuestionOfEachKind) {
    const QuestionSet set = read_questions(data_path("own_made_up.jsonl"));
    ASSERT_EQ(set.questions.size(), 5U);
    EXPECT_EQ(set.name, "own_made_up");
    EXPECT_EQ(set.questions[0].kind, AnswerKind::kContinuation);
    EXPECT_EQ(set.questions[0].correct, 0);
    EXPECT_EQ(set.questions[1].category, "physics");
    EXPECT_EQ(set.questions[1].correct, 1);
    EXPECT_EQ(set.questions[2].answer, "42");
    EXPECT_EQ(set.questions[3].starter, "def add(a, b):\n");
    EXPECT_EQ(set.questions[4].cases.at(0).output, "6");
    EXPECT_EQ(set.questions[4].set, "own_made_up");
}

TEST(OwnFormat, NamesEachQuestionItSkipsAndWhy) {
    auto reasons = reasons_of(read_questions(data_path("own_made_up.jsonl")));
    EXPECT_EQ(reasons.size(), 5U);
    EXPECT_EQ(reasons["l1"], "an earlier question has the same id");
    EXPECT_EQ(reasons["l2"], "no \"correct\"");
    EXPECT_EQ(reasons["l3"], "the choice 'yes' is there twice");
    EXPECT_EQ(reasons["l4"], "the right choice is number 2 of 2");
    EXPECT_TRUE(contains(reasons["x1"], "'essay'")) << reasons["x1"];
}

TEST(OwnFormat, TakesTheNameThatIsAskedFor) {
    const QuestionSet set = read_questions(data_path("own_made_up.jsonl"), "mine");
    EXPECT_EQ(set.name, "mine");
    EXPECT_EQ(set.questions[0].set, "mine");
}

TEST(ReadQuestions, GivesEqualContentsAnEqualHashWhateverTheFileIsCalled) {
    const TestFolder folder;
    const std::string line = R"({"id":"a","kind":"value","question":"1+1","answer":2})";
    const QuestionSet a = read_questions(folder.file("a.jsonl", line));
    const QuestionSet b = read_questions(folder.file("b.jsonl", "\n" + line + "\n"));
    const QuestionSet c = read_questions(
        folder.file("c.jsonl", R"({"id":"a","kind":"value","question":"1+1","answer":3})"));
    EXPECT_EQ(a.content_hash, b.content_hash);
    EXPECT_NE(a.content_hash, c.content_hash);
}

TEST(ReadQuestions, SaysTheLineThatIsNoJson) {
    const Error error = reading_error(
        "a.jsonl", "{\"kind\":\"value\",\"question\":\"1+1\",\"answer\":\"2\"}\n{\"kind\":");
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(contains(error.what(), "line 2: not JSON")) << error.what();
}

TEST(ReadQuestions, RefusesJsonThatIsNestedWithoutEnd) {
    const std::string deep(100'000, '[');
    const Error error = reading_error("a.jsonl", "{\"kind\":" + deep);
    EXPECT_TRUE(contains(error.what(), "line 1: nested deeper than 64 levels")) << error.what();
}

TEST(ReadQuestions, OverlooksAByteOrderMark) {
    const TestFolder folder;
    const auto path = folder.file(
        "a.jsonl", "\xef\xbb\xbf{\"kind\":\"value\",\"question\":\"1+1\",\"answer\":\"2\"}");
    EXPECT_EQ(read_questions(path).questions.at(0).id, "line 1");
}

TEST(ReadQuestions, NamesTheKeysOfAnUnknownSet) {
    const Error error = reading_error("a.jsonl", "{\"frage\": \"?\", \"antwort\": \"!\"}\n");
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(contains(error.what(), "frage, antwort")) << error.what();
}

TEST(ReadQuestions, RefusesAFileWithoutAQuestionThatCanBeAsked) {
    const Error error = reading_error("a.jsonl", R"({"id":"a","kind":"value","question":"1+1"})");
    EXPECT_TRUE(contains(error.what(), "'a', because: no \"answer\"")) << error.what();
}

TEST(ReadQuestions, RefusesWhatIsInNoKnownFormat) {
    EXPECT_TRUE(contains(reading_error("a.txt", "Once upon a time\nthere was\n").what(),
                         "in no format of questions"));
    EXPECT_TRUE(contains(reading_error("a.jsonl", "").what(), "in no format of questions"));
}

TEST(ReadQuestions, RefusesCompressedFilesThatAreCutOff) {
    for (const char* name : {"HumanEval_excerpt.jsonl.gz", "hellaswag_excerpt.txt.bz2"}) {
        const std::string whole = read_text_file(data_path(name));
        const Error error = reading_error(name, whole.substr(0, whole.size() / 2));
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_TRUE(contains(error.what(), "cut off")) << error.what();
    }
}

TEST(ReadQuestions, SaysTheLineOfHellaswagThatHasNoLabel) {
    const Error error = reading_error("h.txt", "a\n1\nb\nc\nd\ne\na\n7\nb\nc\nd\ne\n");
    EXPECT_TRUE(contains(error.what(), "line 8: '7'")) << error.what();
}

TEST(ReadQuestions, RefusesHellaswagWithAPieceOfAQuestion) {
    const Error error = reading_error("h.txt", "a\n1\nb\nc\nd\ne\na\n1\n");
    EXPECT_TRUE(contains(error.what(), "2 of 6 lines")) << error.what();
}

TEST(ReadQuestions, RefusesTextThatIsNotUtf8) {
    const Error error = reading_error("h.txt", "a\xff\n1\nb\nc\nd\ne\n");
    EXPECT_TRUE(contains(error.what(), "not UTF-8")) << error.what();
}

TEST(QuestionKey, DependsOnWhatDecidesTheAnswerAndOnNothingElse) {
    Question question;
    question.prompt = "Which?";
    question.choices = {"ab", "c"};
    question.correct = 0;
    Question named = question;
    named.id = "other";
    named.category = "other";
    EXPECT_EQ(question_key(question), question_key(named));
    Question shifted = question;
    shifted.choices = {"a", "bc"};
    EXPECT_NE(question_key(question), question_key(shifted));
    Question other = question;
    other.correct = 1;
    EXPECT_NE(question_key(question), question_key(other));
}

TEST(FindQuestions, KnowsTheNamesUnderWhichSetsArePublished) {
    const TestFolder folder;
    for (const char* name : {"mmlu_pro_test.jsonl", "math500_with_solutions.jsonl",
                             "gsm8k_test.jsonl", "HumanEval.jsonl.gz", "hellaswag_val_full.txt.bz2",
                             "gpqa_diamond.csv", "lcb_release_v6.jsonl", "common/social_i_qa.jsonl",
                             "common/ARC-Easy.jsonl", "common/ARC-Challenge.jsonl"}) {
        folder.file(name, "");
    }
    for (const char* set : {"mmlu-pro", "math-500", "gsm8k", "humaneval", "hellaswag",
                            "gpqa-diamond", "livecodebench-v6", "social-i-qa", "arc-easy"}) {
        EXPECT_TRUE(find_questions(folder.path(), set)) << set;
    }
    EXPECT_FALSE(find_questions(folder.path(), "piqa"));
}

TEST(FindQuestions, DoesNotChooseAmongSeveral) {
    const TestFolder folder;
    folder.file("gsm8k_test.jsonl", "");
    folder.file("gsm8k_train.jsonl", "");
    const Error error = error_of([&] { find_questions(folder.path(), "gsm8k"); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(contains(error.what(), "gsm8k_train.jsonl")) << error.what();
}

TEST(FindQuestions, SaysWhichFolderCannotBeRead) {
    const Error error = error_of([] { find_questions("/no/such/folder", "gsm8k"); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(contains(error.what(), "/no/such/folder")) << error.what();
}

}  // namespace
}  // namespace bitgauge
