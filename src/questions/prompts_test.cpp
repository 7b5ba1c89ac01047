#include <gtest/gtest.h>

#include "bitgauge/questions.h"

#include "base/json.h"

#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

Question planet() {
    Question question;
    question.prompt = "Which is a planet?";
    question.choices = {"Vega", "Mars"};
    question.correct = 1;
    return question;
}

std::string content_of(const Question& question) {
    const Json messages = Json::parse(chat_messages(question));
    EXPECT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0]["role"], "user");
    return messages[0]["content"];
}

TEST(Prompts, OfLettersEndWhereTheLetterFollows) {
    EXPECT_EQ(letter_prompt(planet()), "Which is a planet?\nA. Vega\nB. Mars\nAnswer:");
}

TEST(Prompts, ShowExamplesWithTheirAnswersFirst) {
    Question question = planet();
    question.examples = {planet()};
    question.examples[0].prompt = "Which is red?";
    EXPECT_EQ(letter_prompt(question),
              "Which is red?\nA. Vega\nB. Mars\nAnswer: B\n\n"
              "Which is a planet?\nA. Vega\nB. Mars\nAnswer:");
    const Json messages = Json::parse(chat_messages(question));
    ASSERT_EQ(messages.size(), 3U);
    EXPECT_EQ(messages[1]["role"], "assistant");
    EXPECT_EQ(messages[1]["content"], "Answer: B");
    EXPECT_EQ(messages[2]["content"], content_of(planet()));

    question.kind = question.examples[0].kind = AnswerKind::kContinuation;
    EXPECT_EQ(continuation_text(question, 0), "Which is red? Mars\n\nWhich is a planet? Vega");
}

TEST(Prompts, AskForTheLineThatIsJudged) {
    const std::string content = content_of(planet());
    EXPECT_TRUE(contains(content, "A. Vega\nB. Mars\n"));
    EXPECT_TRUE(contains(content, "'Answer: X', where X is one of the letters A to B"));
}

TEST(Prompts, AskForABoxedValue) {
    Question question;
    question.kind = AnswerKind::kValue;
    question.prompt = "What is 6 times 7?";
    question.answer = "42";
    EXPECT_EQ(content_of(question),
              "What is 6 times 7?\n\nReason step by step, and put the final answer in \\boxed{}.");
}

TEST(Prompts, ShowTheStarterAndAskForOneBlockOfPython) {
    Question question;
    question.kind = AnswerKind::kCode;
    question.prompt = "Add.";
    question.starter = "def add(a, b):";
    question.prelude = "import secret";
    const std::string content = content_of(question);
    EXPECT_TRUE(contains(content, "```python\ndef add(a, b):\n```"));
    EXPECT_TRUE(contains(content, "in one ```python block"));
    EXPECT_FALSE(contains(content, "secret"));
    EXPECT_FALSE(contains(content, "standard input"));
    question.cases = {{"1", "2"}};
    EXPECT_TRUE(contains(content_of(question), "standard input"));
}

TEST(Prompts, JoinAContinuationWithOneBlank) {
    Question question = planet();
    question.kind = AnswerKind::kContinuation;
    EXPECT_EQ(continuation_text(question, 1), "Which is a planet? Mars");
    EXPECT_EQ(error_of([&] { chat_messages(question); }).kind(), ErrorKind::kInput);
}

}  // namespace
}  // namespace bitgauge
