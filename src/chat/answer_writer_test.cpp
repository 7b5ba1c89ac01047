#include "chat/answer_writer.h"

#include <cmath>
#include <csignal>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"
#include "engine/token_reader_testing.h"

namespace bitgauge {
namespace {

constexpr TokenId kVocabulary = 6;  // 'a' to 'e', and the end

// After token t comes t + 1; the last ends the answer.
std::vector<float> counting(const std::vector<TokenId>& read) {
    std::vector<float> logits(kVocabulary, 0);
    logits[static_cast<size_t>((read.back() + 1) % kVocabulary)] = 5;
    return logits;
}

std::vector<float> always_a(const std::vector<TokenId>&) {
    return {1, 0, 0, 0, 0, 0};
}

// A writer with everything it needs.
struct Bench {
    explicit Bench(ScriptedReader::Script script, uint32_t window = 64, uint32_t answer = 0)
        : reader(std::move(script)),
          words(kVocabulary),
          writer(reader, words,
                 {.window_tokens = window, .vocabulary = kVocabulary, .answer_tokens = answer}) {}

    ChatTurn write(const std::vector<TokenId>& prompt, const std::string& begun = "") {
        return writer.write(prompt, begun, [this](std::string_view text) { pieces += text; });
    }

    ScriptedReader reader;
    LetterWords words;
    AnswerWriter writer;
    std::string pieces;
};

TEST(AnswerWriter, WritesUntilTheModelEnds) {
    Bench bench(counting);
    const ChatTurn turn = bench.write({4, 4, 4, 4, 4, 4, 4, 4, 4, 1});
    EXPECT_EQ(turn.text, "cde");
    EXPECT_EQ(bench.pieces, "cde");
    EXPECT_EQ(turn.end, ChatTurn::End::kComplete);
    EXPECT_EQ(turn.prompt_tokens, 10U);
    EXPECT_EQ(turn.reused_tokens, 0U);
    EXPECT_EQ(turn.answer_tokens, 4U);  // with the one that ended it
}

TEST(AnswerWriter, ReadsOnlyWhatIsNew) {
    Bench bench(counting);
    bench.write({0, 1});  // it writes c, d, e, which are 2, 3, 4
    EXPECT_EQ(bench.reader.tokens, 5U);
    const ChatTurn turn = bench.write({0, 1, 2, 3, 4, 0, 2});
    EXPECT_EQ(turn.reused_tokens, 5U);
    EXPECT_EQ(turn.text, "de");
    EXPECT_EQ(bench.reader.tokens, 5U + 2U + 2U);
}

TEST(AnswerWriter, GoesBackToWhereThePromptDiffers) {
    Bench bench(counting);
    bench.write({0, 1});
    const ChatTurn turn = bench.write({0, 1, 2, 0, 3});
    EXPECT_EQ(turn.reused_tokens, 3U);
    EXPECT_EQ(turn.text, "e");
}

TEST(AnswerWriter, ReadsTheLastTokenOfTheSamePromptAgain) {
    Bench bench(counting);
    bench.write({0, 1});
    const ChatTurn turn = bench.write({0, 1});
    EXPECT_EQ(turn.reused_tokens, 1U);
    EXPECT_EQ(turn.text, "cde");
}

TEST(AnswerWriter, ReadsAllAgainWhereTheMemoryCannotGoBack) {
    Bench bench(counting);
    bench.reader.can_go_back = false;
    bench.write({0, 1});
    EXPECT_EQ(bench.write({0, 1, 2, 3, 4, 1}).reused_tokens, 5U);  // nothing to go back on
    const ChatTurn turn = bench.write({0, 1, 0, 3});
    EXPECT_EQ(turn.reused_tokens, 0U);
    EXPECT_EQ(turn.text, "e");
}

TEST(AnswerWriter, StopsAtTheBudgetAndWhereTheContextEnds) {
    Bench budget(always_a, 64, 3);
    EXPECT_EQ(budget.write({1}).text, "aaa");
    EXPECT_EQ(budget.write({1}).end, ChatTurn::End::kBudget);
    Bench window(always_a, 5);
    const ChatTurn turn = window.write({1, 1});
    EXPECT_EQ(turn.text, "aaaa");  // tokens 2 to 4, and the one that follows them
    EXPECT_EQ(turn.end, ChatTurn::End::kContextFull);
}

TEST(AnswerWriter, BeginsWithWhatThePromptBegan) {
    Bench bench(counting);
    EXPECT_EQ(bench.write({2}, "<think>\n").text, "<think>\nde");
    EXPECT_EQ(bench.pieces, "<think>\nde");
}

TEST(AnswerWriter, EndsWhereNothingCanBeChosen) {
    Bench bench([](const auto&) { return std::vector<float>{1, NAN, 0, 0, 0, 0}; });
    EXPECT_EQ(bench.write({1}).end, ChatTurn::End::kNotFinite);
}

// Each token is one byte of "€".
class ByteWords : public TokenWords {
  public:
    std::string text(TokenId token) const override {
        return std::string("\xe2\x82\xac").substr(static_cast<size_t>(token) % 3, 1);
    }
    bool ends_answer(TokenId token) const override { return token == kVocabulary - 1; }
};

TEST(AnswerWriter, GivesOnWholeCharactersAlone) {
    ScriptedReader reader(counting);
    const ByteWords words;
    AnswerWriter writer(reader, words, {.window_tokens = 64});
    std::vector<std::string> pieces;
    const ChatTurn turn = writer.write(std::vector<TokenId>{5}, "",
                                       [&](std::string_view text) { pieces.emplace_back(text); });
    EXPECT_EQ(pieces, (std::vector<std::string>{"\u20ac", "\uFFFD"}));  // a b c, then d e
    EXPECT_EQ(turn.text, "\u20ac\uFFFD");
}

TEST(AnswerWriter, StopsAtCtrlCAndGoesOnFromThere) {
    install_interrupt_handler();
    Bench bench(always_a);
    const OnText stop_at_three = [&](std::string_view text) {
        bench.pieces += text;
        if (bench.pieces.size() == 3) std::raise(SIGINT);
    };
    const ChatTurn turn = bench.writer.write(std::vector<TokenId>{1}, "", stop_at_three);
    EXPECT_EQ(turn.text, "aaa");
    EXPECT_EQ(turn.end, ChatTurn::End::kInterrupted);
    EXPECT_TRUE(take_ctrl_c());
    EXPECT_FALSE(take_ctrl_c());
    EXPECT_EQ(bench.write({1, 0, 0, 0, 1}).reused_tokens, 3U);  // the third was not read yet
    end_at_interrupt();
}

TEST(AnswerWriter, ForgetsAllWhereReadingFails) {
    int left = 3;
    Bench bench([&](const std::vector<TokenId>& read) {
        if (--left == 0) throw Error(ErrorKind::kEnvironment, "refused");
        return counting(read);
    });
    EXPECT_THROW(bench.write({0}), Error);
    const ChatTurn turn = bench.write({0, 1, 2});
    EXPECT_EQ(turn.reused_tokens, 0U);
    EXPECT_EQ(turn.text, "de");
}

}  // namespace
}  // namespace bitgauge
