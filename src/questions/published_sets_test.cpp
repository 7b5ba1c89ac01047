#include <gtest/gtest.h>

#include "bitgauge/questions.h"

#include "questions/pickled_text.h"
#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

QuestionSet excerpt(const std::string& name) {
    return read_questions(data_path(name));
}

TEST(MmluPro, SkipsTheQuestionWhoseAnswersDisagree) {
    const QuestionSet set = excerpt("mmlu_pro_excerpt.jsonl");
    EXPECT_EQ(set.name, "mmlu-pro");
    ASSERT_EQ(set.skipped.size(), 2U);
    EXPECT_EQ(set.skipped[0].id, "3983");
    EXPECT_EQ(set.skipped[0].reason, "\"answer\" is 'C' but \"answer_index\" is 1");
    EXPECT_EQ(set.skipped[1].id, "8584");
}

TEST(MmluPro, IsAnsweredByLetterAndHasCategories) {
    const Question question = excerpt("mmlu_pro_excerpt.jsonl").questions.at(0);
    EXPECT_EQ(question.id, "70");
    EXPECT_EQ(question.category, "business");
    EXPECT_EQ(question.kind, AnswerKind::kLetter);
    EXPECT_EQ(question.choices.size(), 9U);
    EXPECT_EQ(question.correct, 8);  // "answer": "I"
}

TEST(Math500, HasTheReferenceAnswer) {
    const QuestionSet set = excerpt("math500_excerpt.jsonl");
    EXPECT_EQ(set.name, "math-500");
    EXPECT_EQ(set.questions.at(1).answer, "p - q");
    EXPECT_EQ(set.questions.at(1).category, "Intermediate Algebra");
    EXPECT_EQ(set.questions.at(1).kind, AnswerKind::kValue);
}

TEST(Math500, TakesTheAnswerFromTheSolutionWhereThereIsNone) {
    const TestFolder folder;
    const QuestionSet set = read_questions(folder.file(
        "math.jsonl", R"({"problem":"?","solution":"\\boxed{1} no, $\\boxed{\\frac{1}{2}}$."})"));
    EXPECT_EQ(set.questions.at(0).answer, "\\frac{1}{2}");
}

TEST(Gsm8k, HasTheNumberAfterTheMark) {
    const QuestionSet set = excerpt("gsm8k_excerpt.jsonl");
    EXPECT_EQ(set.questions.at(0).answer, "18");
    EXPECT_EQ(set.questions.at(3).id, "gsm8k/3");
}

TEST(HumanEval, ShowsTheStubAndChecksTheFunction) {
    const QuestionSet set = excerpt("HumanEval_excerpt.jsonl.gz");
    const Question& question = set.questions.at(0);
    EXPECT_EQ(set.name, "humaneval");
    EXPECT_EQ(question.id, "HumanEval/0");
    EXPECT_TRUE(contains(question.starter, "def has_close_elements"));
    EXPECT_TRUE(question.tests.ends_with("check(has_close_elements)\n"));
}

TEST(Hellaswag, HasFourEndings) {
    const QuestionSet set = excerpt("hellaswag_excerpt.txt.bz2");
    const Question& question = set.questions.at(0);
    EXPECT_EQ(set.questions.size(), 3U);
    EXPECT_EQ(question.kind, AnswerKind::kContinuation);
    EXPECT_EQ(question.prompt, "Roof shingle removal: A man is sitting on a roof. he");
    EXPECT_EQ(question.choices.at(3), "starts pulling up roofing on a roof.");
    EXPECT_EQ(question.correct, 3);
}

TEST(Commonsense, IsNamedAfterItsIds) {
    EXPECT_EQ(excerpt("ARC-Challenge_excerpt.jsonl").name, "arc-challenge");
    const QuestionSet siqa = excerpt("social_i_qa_excerpt.jsonl");
    EXPECT_EQ(siqa.name, "social-i-qa");
    ASSERT_EQ(siqa.skipped.size(), 1U);
    EXPECT_TRUE(contains(siqa.skipped[0].reason, "is there twice"));
}

TEST(Commonsense, AsksForALetterOrForAContinuation) {
    EXPECT_EQ(excerpt("ARC-Challenge_excerpt.jsonl").questions.at(0).kind, AnswerKind::kLetter);
    EXPECT_EQ(excerpt("piqa_excerpt.jsonl").questions.at(0).kind, AnswerKind::kContinuation);
}

TEST(Winogrande, FillsTheGapAndGoesOnWithTheRest) {
    const Question question = excerpt("winogrande_excerpt.jsonl").questions.at(0);
    EXPECT_EQ(question.kind, AnswerKind::kContinuation);
    EXPECT_EQ(question.prompt, "Sarah was a much better surgeon than Maria so");
    EXPECT_EQ(question.choices.at(1), "Maria always got the easier cases.");
    EXPECT_EQ(question.correct, 1);
}

TEST(Gpqa, ShufflesChoicesByTheRecordAndKeepsTheRightOne) {
    const QuestionSet set = excerpt("gpqa_diamond_made_up.csv");
    EXPECT_EQ(set.name, "gpqa-diamond");
    ASSERT_EQ(set.questions.size(), 2U);
    const Question& carbon = set.questions[0];
    EXPECT_EQ(carbon.id, "recA");
    EXPECT_EQ(carbon.category, "Chemistry");
    EXPECT_TRUE(contains(carbon.prompt, "\"carbon\""));
    EXPECT_EQ(carbon.choices.size(), 4U);
    EXPECT_EQ(carbon.choices.at(static_cast<size_t>(carbon.correct)), "6");
    EXPECT_EQ(set.questions[1].prompt, "Which force binds\nquarks?");
}

TEST(Gpqa, SkipsEqualAndMissingChoices) {
    const QuestionSet set = excerpt("gpqa_diamond_made_up.csv");
    ASSERT_EQ(set.skipped.size(), 2U);
    EXPECT_EQ(set.skipped[0].reason, "the choice 'Cytosine' is there twice");
    EXPECT_EQ(set.skipped[1].reason, "no \"Incorrect Answer 3\"");
}

TEST(LiveCodeBench, HasPublicAndPrivateCasesOfPrograms) {
    const QuestionSet set = excerpt("livecodebench_v6_made_up.jsonl");
    ASSERT_EQ(set.questions.size(), 2U);
    const Question& sum = set.questions[0];
    EXPECT_EQ(sum.id, "s1");
    EXPECT_EQ(sum.category, "easy");
    ASSERT_EQ(sum.cases.size(), 3U);
    EXPECT_EQ(sum.cases[1].input, "-5 5\n");
    EXPECT_EQ(sum.cases[2].output, "30");
    EXPECT_TRUE(sum.tests.empty());
}

TEST(LiveCodeBench, CallsTheMethodOfAClass) {
    const Question question = excerpt("livecodebench_v6_made_up.jsonl").questions.at(1);
    EXPECT_TRUE(question.cases.empty());
    EXPECT_TRUE(contains(question.tests, "\"largestFirst\""));
}

TEST(LiveCodeBench, SkipsProblemsWithoutTests) {
    const QuestionSet set = excerpt("livecodebench_v6_made_up.jsonl");
    ASSERT_EQ(set.skipped.size(), 2U);
    EXPECT_EQ(set.skipped[0].reason, "no tests");
    EXPECT_EQ(set.skipped[1].reason, "\"private_test_cases\" cannot be unpacked");
}

TEST(PickledText, IsReadInEachWayInWhichPythonWritesIt) {
    // pickle.dumps("abc", protocol) of 2, 3 and 4.
    const std::string protocol_2("\x80\x02X\x03\0\0\0abcq\0.", 14);
    const std::string protocol_4(
        "\x80\x04\x95\x07\0\0\0\0\0\0\0\x8c\x03"
        "abc\x94.",
        18);
    for (const std::string& pickled : {protocol_2, protocol_4}) {
        std::string text;
        EXPECT_TRUE(unpickle_text(pickled, text));
        EXPECT_EQ(text, "abc");
    }
}

TEST(PickledText, IsNothingElse) {
    std::string text;
    EXPECT_FALSE(unpickle_text("", text));
    EXPECT_FALSE(unpickle_text(std::string("\x80\x02K\x05.", 5), text));               // 5
    EXPECT_FALSE(unpickle_text(std::string("\x80\x02X\xff\0\0\0abcq\0.", 14), text));  // too long
}

TEST(Base64, FollowsTheExamplesOfRfc4648) {
    EXPECT_EQ(decoded_base64("Zg=="), "f");
    EXPECT_EQ(decoded_base64("Zm8="), "fo");
    EXPECT_EQ(decoded_base64("Zm9vYmFy"), "foobar");
}

}  // namespace
}  // namespace bitgauge
