// The published sets as they are, all questions. They are no part of the tree:
// BITGAUGE_QUESTION_SETS names the folder they lie in, and without it these tests are skipped.

#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/verdict.h"

#include "base/json.h"

#include "questions/judge_parts.h"
#include "questions/lines.h"
#include "questions/packed_text.h"
#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

class CompleteSets : public testing::Test {
  protected:
    void SetUp() override {
        if (std::getenv("BITGAUGE_QUESTION_SETS") == nullptr) {
            GTEST_SKIP() << "BITGAUGE_QUESTION_SETS names no folder of question sets";
        }
    }

    static std::filesystem::path file_of(const std::string& set) {
        return find_questions(std::getenv("BITGAUGE_QUESTION_SETS"), set).value();
    }

    // One field of each line, by another, as it stands in the file.
    static std::map<std::string, std::string> fields(const std::string& set, const char* key,
                                                     const char* field) {
        std::map<std::string, std::string> found;
        for_each_line(read_packed_text(file_of(set)), [&](std::string_view line, size_t) {
            const Json row = Json::parse(line);
            found[row[key]] = row[field];
        });
        return found;
    }

    static void expect_all_right(const std::vector<Question>& questions,
                                 const std::vector<std::string>& answers) {
        const std::vector<Verdict> verdicts = judge_answers(questions, answers);
        for (size_t i = 0; i < verdicts.size(); ++i) {
            EXPECT_TRUE(verdicts[i].correct)
                << questions[i].id << ": found " << verdicts[i].found << ", " << verdicts[i].note;
        }
    }
};

TEST_F(CompleteSets, HaveAsManyQuestionsAsTheirPublishersSay) {
    struct Count {
        const char* set;
        size_t questions;
        size_t skipped;
    };
    // MMLU-Pro: 3983 and 8584. SIQA: five questions have a choice twice.
    for (const Count& count : {Count{"mmlu-pro", 12'030, 2},
                               {"math-500", 500, 0},
                               {"gsm8k", 1'319, 0},
                               {"humaneval", 164, 0},
                               {"hellaswag", 10'042, 0},
                               {"arc-easy", 2'376, 0},
                               {"arc-challenge", 1'172, 0},
                               {"boolq", 3'270, 0},
                               {"openbookqa", 500, 0},
                               {"piqa", 1'838, 0},
                               {"social-i-qa", 1'949, 5},
                               {"winogrande", 1'267, 0}}) {
        const QuestionSet set = read_questions(file_of(count.set));
        EXPECT_EQ(set.name, count.set);
        EXPECT_EQ(set.questions.size(), count.questions) << count.set;
        EXPECT_EQ(set.skipped.size(), count.skipped) << count.set;
    }
}

TEST_F(CompleteSets, CanonicalSolutionsOfHumanEvalPass) {
    const QuestionSet set = read_questions(file_of("humaneval"));
    auto solutions = fields("humaneval", "task_id", "canonical_solution");
    std::vector<std::string> answers;
    std::vector<std::string> whole;
    for (const Question& question : set.questions) {
        const std::string& solution = solutions[question.id];
        answers.push_back("```python\n" + solution + "```\n");
        whole.push_back("```python\n" + question.starter + solution + "```\n");
    }
    expect_all_right(set.questions, answers);
    expect_all_right(set.questions, whole);
}

TEST_F(CompleteSets, StubsOfHumanEvalFail) {
    const QuestionSet set = read_questions(file_of("humaneval"));
    std::vector<std::string> answers;
    for (const Question& question : set.questions) {
        answers.push_back("```python\n" + question.starter + "    return None\n```\n");
    }
    for (const Verdict& verdict : judge_answers(set.questions, answers)) {
        EXPECT_FALSE(verdict.correct) << verdict.found;
    }
}

TEST_F(CompleteSets, SolutionsOfMath500AreEqualToTheirAnswers) {
    const QuestionSet set = read_questions(file_of("math-500"));
    auto solutions = fields("math-500", "unique_id", "solution");
    std::vector<std::string> answers;
    for (const Question& question : set.questions) answers.push_back(solutions[question.id]);
    expect_all_right(set.questions, answers);
}

// By math-verify, which has nothing to say where texts are equal.
TEST_F(CompleteSets, AnswersOfMath500AreEqualToThemselvesAsValues) {
    const QuestionSet set = read_questions(file_of("math-500"));
    std::vector<Verdict> verdicts(set.questions.size());
    std::vector<OpenValue> values;
    for (size_t i = 0; i < verdicts.size(); ++i) {
        verdicts[i].found = set.questions[i].answer;
        values.push_back({set.questions[i].answer, &verdicts[i]});
    }
    judge_open_values(values, {});
    for (const Verdict& verdict : verdicts) {
        EXPECT_TRUE(verdict.correct) << verdict.found << ": " << verdict.note;
    }
}

TEST_F(CompleteSets, SolutionsOfGsm8kAreRight) {
    const QuestionSet set = read_questions(file_of("gsm8k"));
    auto solutions = fields("gsm8k", "question", "answer");
    std::vector<std::string> answers;
    for (const Question& question : set.questions) answers.push_back(solutions[question.prompt]);
    expect_all_right(set.questions, answers);
}

TEST_F(CompleteSets, GiveTheMixesThatComeWithTheProgram) {
    const std::filesystem::path folder = std::getenv("BITGAUGE_QUESTION_SETS");
    for (const std::string& name : mix_presets()) {
        const QuestionMix mix = read_mix(name);
        const DrawnQuestions drawn = draw_questions(read_mix_sets(folder, mix), mix);
        std::cout << name << ": " << drawn.questions.size() << " questions\n";
        for (const std::string& shortfall : drawn.shortfalls)
            std::cout << "  " << shortfall << '\n';
        EXPECT_GE(drawn.questions.size(), 100U);
    }
}

}  // namespace
}  // namespace bitgauge
