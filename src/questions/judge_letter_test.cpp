#include <gtest/gtest.h>

#include "bitgauge/verdict.h"

#include "questions/answer_text.h"
#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

// Four choices, B is right.
Question question() {
    Question question;
    question.prompt = "Which?";
    question.choices = {"w", "x", "y", "z"};
    question.correct = 1;
    return question;
}

Verdict judged(const std::string& answer) {
    const Question asked = question();
    return judge_answers({&asked, 1}, {&answer, 1})[0];
}

std::string letter(const std::string& answer) {
    return judged(answer).found;
}

TEST(JudgeLetter, TakesTheLastAnswerLine) {
    EXPECT_TRUE(judged("It could be A.\nAnswer: A\nNo.\nAnswer: B").correct);
    EXPECT_EQ(letter("Answer: B\n\nAnswer: C"), "C");
    EXPECT_EQ(judged("Answer: C").note, "B is right");
}

TEST(JudgeLetter, ReadsTheFormsInWhichModelsAnswer) {
    for (const char* answer :
         {"Answer: B", "**Answer: B**", "**Answer:** B", "Answer: (B)", "Answer: $\\boxed{B}$",
          "The answer is B.", "The correct answer is: (B) x", "answer: b", "Answer: B. x",
          "Answer: \\boxed{\\text{B}}", "Final Answer: **B**", "B", "(B)", "B.", "So \\boxed{B}.",
          "\\boxed{\\text{(B)}}", "I choose (B), as x."}) {
        EXPECT_TRUE(judged(answer).correct) << answer << " -> " << letter(answer);
    }
}

TEST(JudgeLetter, PrefersAnswerToBoxAndBoxToBrackets) {
    EXPECT_EQ(letter("Answer: A, not \\boxed{B} or (C)"), "A");
    EXPECT_EQ(letter("\\boxed{B}, not (C)"), "B");
}

TEST(JudgeLetter, TakesNoWordForALetter) {
    for (const char* answer :
         {"Answer: Because of x", "Answer: I think it is x", "The answer is a secret",
          "answers: B2", "\\boxed{Bx}", "no letter at all", ""}) {
        const Verdict verdict = judged(answer);
        EXPECT_EQ(verdict.found, "") << answer;
        EXPECT_FALSE(verdict.correct);
        EXPECT_EQ(verdict.note, "it names no letter");
    }
}

TEST(JudgeLetter, KnowsWhichLettersAreChoices) {
    EXPECT_EQ(judged("Answer: E").note, "E is no choice, they end with D");
}

TEST(Reasoning, DoesNotCount) {
    EXPECT_TRUE(judged("<think>Answer: A</think>Answer: B").correct);
    EXPECT_TRUE(judged("so Answer: A</think>\nAnswer: B").correct);
    EXPECT_FALSE(judged("<think>Answer: B</think>").correct);
}

TEST(Reasoning, WithoutAnEndMakesTheAnswerWrong) {
    for (const char* answer : {"<think>It is B. Answer: B", "<think>a</think><think>Answer: B"}) {
        EXPECT_FALSE(judged(answer).correct);
        EXPECT_EQ(judged(answer).note, "it was still thinking when its tokens ended");
    }
}

TEST(JudgeLetter, IsNotStoppedByTextWithoutEnd) {
    const std::string blanks(1 << 20, ' ');
    EXPECT_EQ(letter("Answer:" + blanks + "B"), "");
    EXPECT_EQ(letter("\\boxed{" + std::string(1 << 20, '{')), "");
    EXPECT_EQ(letter(std::string(1 << 16, '*') + "Answer: B"), "B");
}

TEST(LastBoxed, TakesTheLastThatIsClosed) {
    EXPECT_EQ(last_boxed("\\boxed{1} and \\boxed{\\frac{1}{2}} and \\boxed{3"), "\\frac{1}{2}");
    EXPECT_EQ(last_boxed("\\boxed 5."), "5");
    EXPECT_EQ(last_boxed("\\fbox{a\\}b}"), "a\\}b");
    EXPECT_FALSE(last_boxed("boxed"));
}

TEST(LastCodeBlock, TakesTheLastOfPython) {
    EXPECT_EQ(last_code_block("```python\na = 1\n```\ntext\n```py\nb = 2\n```\n"), "b = 2\n");
    EXPECT_EQ(last_code_block("```python\na = 1\n```\n```bash\nls\n```\n"), "a = 1\n");
    EXPECT_EQ(last_code_block("```\nb = 2\n```"), "b = 2\n");
    EXPECT_EQ(last_code_block("text\n```python\nb = 2\n"), "b = 2\n");
    EXPECT_FALSE(last_code_block("b = 2"));
}

TEST(Judge, RefusesContinuations) {
    Question asked = question();
    asked.kind = AnswerKind::kContinuation;
    const std::string answer = "x";
    EXPECT_EQ(error_of([&] {
                  judge_answers({&asked, 1}, {&answer, 1});
              }).kind(),
              ErrorKind::kInput);
}

}  // namespace
}  // namespace bitgauge
