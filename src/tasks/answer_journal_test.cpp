#include "tasks/answer_journal.h"

#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "engine/engine_testing.h"

namespace bitgauge {
namespace {

class AnswerJournals : public testing::Test {
  protected:
    JournalName name_{fresh_folder("answer_journal") / "answers.jsonl", "identity"};

    void add(const std::string& key) {
        AnswerJournal(name_).add({.key = key, .text = "text of " + key, .tokens = 3});
    }
    std::map<std::string, Answer> read() const { return read_journal(name_.path, name_.identity); }
};

TEST_F(AnswerJournals, KeepWhatWasAdded) {
    EXPECT_TRUE(read().empty());
    add("a");
    add("b");
    ASSERT_EQ(read().size(), 2U);
    EXPECT_EQ(read().at("a").text, "text of a");
}

TEST_F(AnswerJournals, KeepLikelihoodsToTheLastBit) {
    const Answer answer = {
        .key = "q", .log_likelihoods = {-1.0 / 3, -1e-300, -12345.678}, .choice_tokens = {1, 2, 3}};
    AnswerJournal(name_).add(answer);
    EXPECT_EQ(read().at("q").log_likelihoods, answer.log_likelihoods);
    EXPECT_EQ(read().at("q").choice_tokens, answer.choice_tokens);
}

TEST_F(AnswerJournals, GoOnAfterALineThatWasCutOff) {
    add("a");
    std::ofstream(name_.path, std::ios::app) << R"({"key": "b", "tex)";
    EXPECT_EQ(read().size(), 1U);
    add("c");
    EXPECT_EQ(read().size(), 2U);
    EXPECT_EQ(read().at("c").text, "text of c");
}

TEST_F(AnswerJournals, WithALineThatIsNoAnswerAreRefused) {
    add("a");
    for (const char* line : {"null\n", "{\"key\": 7}\n", "not JSON\n"}) {
        std::ofstream(name_.path, std::ios::app) << line;
        EXPECT_THROW(read(), Error) << line;
        std::filesystem::resize_file(name_.path,
                                     std::filesystem::file_size(name_.path) - strlen(line));
    }
    EXPECT_EQ(read().size(), 1U);
}

TEST_F(AnswerJournals, ThatBeginWithSomethingElseAreRefused) {
    for (const char* line : {"null\n", "[]\n", "text\n"}) {
        std::ofstream(name_.path) << line;
        EXPECT_THROW(read(), Error) << line;
    }
}

TEST_F(AnswerJournals, OfAnotherModelAreRefused) {
    add("a");
    EXPECT_THROW(read_journal(name_.path, "another"), Error);
}

TEST_F(AnswerJournals, AreWrittenByOneProcessAtATime) {
    const AnswerJournal first(name_);
    EXPECT_THROW(AnswerJournal second(name_), Error);
}

}  // namespace
}  // namespace bitgauge
