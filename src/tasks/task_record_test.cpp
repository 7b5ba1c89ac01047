#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/tasks.h"

namespace bitgauge {
namespace {

Question choice_question(const std::string& id, const std::string& category, int32_t correct) {
    return {.id = id,
            .set = "made-up",
            .category = category,
            .kind = AnswerKind::kContinuation,
            .prompt = "prompt " + id,
            .choices = {"one", "two", "three"},
            .correct = correct};
}

Answer weighed(std::vector<double> log_likelihoods, std::vector<uint32_t> tokens = {1, 1, 1}) {
    return {.log_likelihoods = std::move(log_likelihoods), .choice_tokens = std::move(tokens)};
}

TEST(LikeliestChoice, IsOfTheLargestMeanPerToken) {
    EXPECT_EQ(likeliest_choice(weighed({-4, -5, -3}, {2, 4, 1})), 1U);
}

TEST(Judge, TakesTheLikeliestChoice) {
    const std::vector<Question> questions = {choice_question("a", "", 2),
                                             choice_question("b", "", 0)};
    const auto verdicts = judge(questions, {weighed({-3, -2, -1}), weighed({-3, -2, -1})});
    EXPECT_TRUE(verdicts[0].correct);
    EXPECT_FALSE(verdicts[1].correct);
    EXPECT_EQ(verdicts[1].found, "three");
}

TEST(Judge, FindsNothingRightInLikelihoodsThatAreNoNumbers) {
    const std::vector<Question> questions = {choice_question("a", "", 0)};
    const auto verdicts = judge(questions, {weighed({NAN, NAN, NAN})});
    EXPECT_FALSE(verdicts[0].correct);
    EXPECT_FALSE(verdicts[0].note.empty());
}

TEST(TaskRecord, CountsCategoriesAsClustersAndQuestionsWithoutOneAlone) {
    const std::vector<Question> questions = {
        choice_question("a", "law", 0), choice_question("b", "law", 0), choice_question("c", "", 0),
        choice_question("d", "", 1)};
    const AnsweredSet answered = {.answers = {weighed({-1, -2, -3}), weighed({-2, -1, -3}),
                                              weighed({NAN, -1, -1}), weighed({-2, -1, -3})}};
    const auto verdicts = judge(questions, answered.answers);
    const TaskRecord record = make_task_record(task_identity("mix", questions, {}), questions,
                                               answered, verdicts, {.threads = 1});
    EXPECT_EQ(record.answers.right, (std::vector<uint32_t>{1, 0, 0, 1}));
    EXPECT_EQ(record.answers.cluster, (std::vector<uint32_t>{0, 0, 1, 2}));
    EXPECT_EQ(record.clusters, 3U);
    EXPECT_EQ(record.failures.not_finite, 1U);
    EXPECT_FALSE(record.key.empty());
}

TEST(TaskIdentity, ChangesWithTheOrderOfQuestionsAndTheSettings) {
    const Question a = choice_question("a", "", 0);
    const Question b = choice_question("b", "", 0);
    const auto key = [](const std::vector<Question>& questions) {
        return task_identity("mix", questions, {}).questions_key;
    };
    EXPECT_EQ(key({a, b}), key({a, b}));
    EXPECT_NE(key({a, b}), key({b, a}));
    EXPECT_FALSE(task_identity("mix", std::vector{a}, {.seed = 1}).settings ==
                 task_identity("mix", std::vector{a}, {.seed = 2}).settings);
}

}  // namespace
}  // namespace bitgauge
