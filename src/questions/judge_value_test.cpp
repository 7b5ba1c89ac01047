#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/verdict.h"

#include "base/scripts.h"

#include "questions/questions_testing.h"
#include "questions/value_text.h"

namespace bitgauge {
namespace {

struct Pair {
    const char* right;
    const char* found;
};

std::vector<Verdict> judged(const std::vector<Pair>& pairs, const JudgeLimits& limits = {}) {
    std::vector<Question> questions;
    std::vector<std::string> answers;
    for (const Pair& pair : pairs) {
        Question question;
        question.kind = AnswerKind::kValue;
        question.prompt = "?";
        question.answer = pair.right;
        questions.push_back(question);
        answers.push_back(std::string("It is \\boxed{") + pair.found + "}.");
    }
    return judge_answers(questions, answers, limits);
}

Verdict judged_text(const std::string& right, const std::string& answer) {
    Question question;
    question.kind = AnswerKind::kValue;
    question.answer = right;
    return judge_answers({&question, 1}, {&answer, 1})[0];
}

bool has_math_verify() {
    const std::string command = script_python() + " -c 'import math_verify' 2>/dev/null";
    return std::system(command.c_str()) == 0;
}

#define REQUIRE_MATH_VERIFY() \
    if (!has_math_verify()) GTEST_SKIP() << "this Python has no math-verify; run scripts/setup"

class SetVariable {
  public:
    SetVariable(const char* name, const std::string& value) : name_(name) {
        const char* before = std::getenv(name);
        had_ = before != nullptr;
        if (had_) before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    ~SetVariable() { had_ ? ::setenv(name_, before_.c_str(), 1) : ::unsetenv(name_); }

  private:
    const char* name_;
    std::string before_;
    bool had_ = false;
};

TEST(PlainNumber, HasOneFormForEachValue) {
    EXPECT_EQ(plain_number("1,234.50"), "1234.5");
    EXPECT_EQ(plain_number("+007"), "7");
    EXPECT_EQ(plain_number("-0.0"), "0");
    EXPECT_EQ(plain_number(".5"), "0.5");
    for (const char* text : {"", ".", "-", "1,23", "1e5", "1 2", "x", "1.2.3"}) {
        EXPECT_FALSE(plain_number(text)) << text;
    }
}

TEST(EqualAsText, OverlooksLooksAndNothingElse) {
    EXPECT_TRUE(equal_as_text("\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\dfrac{\\pi}{2})"));
    EXPECT_TRUE(equal_as_text("\\text{Evelyn}", "Evelyn"));
    EXPECT_TRUE(equal_as_text("$18$", "18.00"));
    EXPECT_TRUE(equal_as_text("70,000", "70000"));
    EXPECT_FALSE(equal_as_text("1 2", "12"));
    EXPECT_FALSE(equal_as_text("x\\leftarrow y", "x arrow y"));
    EXPECT_FALSE(equal_as_text("", ""));
}

TEST(JudgeValue, FindsTheLastBoxThenTheAnswerLineThenTheMark) {
    EXPECT_EQ(judged_text("42", "Answer: 41, \\boxed{41}, \\boxed{42}").found, "42");
    EXPECT_EQ(judged_text("42", "#### 41\nAnswer: **42**.\n").found, "42");
    EXPECT_EQ(judged_text("42", "6 * 7 = 42\n#### 42").found, "42");
    EXPECT_EQ(judged_text("42", "it is 42").note, "it names no value");
}

TEST(JudgeValue, NeedsNoPythonForWhatIsEqualAsText) {
    const SetVariable no_python("BITGAUGE_PYTHON", "/no/such/python");
    EXPECT_TRUE(judged({{"\\frac{1}{2}", "\\dfrac{1}{2}"}})[0].correct);
    EXPECT_EQ(error_of([] { judged({{"\\frac{1}{2}", "0.5"}}); }).kind(), ErrorKind::kEnvironment);
}

TEST(JudgeValue, SaysWhatToDoWithoutMathVerify) {
    const TestFolder folder;
    const auto python = folder.file("python", "#!/bin/sh\nexit 3\n");
    std::filesystem::permissions(python, std::filesystem::perms::owner_all);
    const SetVariable other("BITGAUGE_PYTHON", python.string());
    const Error error = error_of([] { judged({{"\\frac{1}{2}", "0.5"}}); });
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_TRUE(contains(error.what(), "has no math-verify")) << error.what();
    EXPECT_TRUE(contains(error.hint(), "scripts/setup"));
}

TEST(JudgeValue, ComparesByValue) {
    REQUIRE_MATH_VERIFY();
    const std::vector<Pair> equal = {{"\\frac{1}{2}", "0.5"},
                                     {"p - q", "-q + p"},
                                     {"\\left( 3, \\frac{\\pi}{2} \\right)", "(3, \\pi/2)"},
                                     {"2\\sqrt{3}", "\\sqrt{12}"},
                                     {"\\{1, 2\\}", "\\{2, 1\\}"}};
    const std::vector<Verdict> verdicts = judged(equal);
    for (size_t i = 0; i < equal.size(); ++i) {
        EXPECT_TRUE(verdicts[i].correct)
            << equal[i].right << " / " << equal[i].found << ": " << verdicts[i].note;
    }
}

TEST(JudgeValue, TellsUnequalValuesApart) {
    REQUIRE_MATH_VERIFY();
    const std::vector<Verdict> verdicts = judged(
        {{"\\frac{1}{2}", "0.51"}, {"p - q", "p + q"}, {"(1, 2)", "(2, 1)"}, {"4", "\\text{dog}"}});
    for (const Verdict& verdict : verdicts) EXPECT_FALSE(verdict.correct) << verdict.found;
    EXPECT_EQ(verdicts[1].note, "p - q is right");
}

TEST(JudgeValue, IsNotStoppedByAHostileExpression) {
    REQUIRE_MATH_VERIFY();
    JudgeLimits limits;
    limits.value_time = std::chrono::milliseconds(1500);
    const std::vector<Verdict> verdicts = judged({{"\\frac{1}{2}", "9^{9^{9^{9^{9}}}}"},
                                                  {"\\frac{1}{3}", "10^{10^{10}}"},
                                                  {"5", "\\int_0^1"},
                                                  {"\\frac{1}{4}", "0.25"}},
                                                 limits);
    EXPECT_FALSE(verdicts[0].correct);
    EXPECT_NE(verdicts[0].note, "");
    EXPECT_FALSE(verdicts[1].correct);
    EXPECT_FALSE(verdicts[2].correct);
    EXPECT_TRUE(verdicts[3].correct) << verdicts[3].note;
}

}  // namespace
}  // namespace bitgauge
