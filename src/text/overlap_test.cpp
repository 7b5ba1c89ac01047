#include "text/overlap.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

Corpus corpus_of(const std::vector<std::string>& texts) {
    Corpus corpus;
    for (const std::string& text : texts) corpus.documents.push_back({.text = text});
    return corpus;
}

// "w0 w1 ... "
std::string numbered(size_t first, size_t last) {
    std::string text;
    for (size_t i = first; i < last; ++i) text += fmt::format("w{} ", i);
    return text;
}

TEST(TextOverlap, OfATextWithItselfIsAllAndWithAnotherNothing) {
    const Corpus a = corpus_of({numbered(0, 100)});
    const TextOverlap same = text_overlap(a, a);
    EXPECT_EQ(same.share, 1);
    EXPECT_EQ(same.grams, 100U - 13 + 1);
    ASSERT_EQ(same.examples.size(), 1U);
    EXPECT_TRUE(same.examples[0].starts_with("w0 w1 w2"));
    EXPECT_TRUE(same.examples[0].ends_with("..."));
    const TextOverlap none = text_overlap(a, corpus_of({numbered(1000, 1100)}));
    EXPECT_EQ(none.shared, 0U);
    EXPECT_TRUE(none.examples.empty());
}

TEST(TextOverlap, CountsRunsOfThirteenWordsWhateverTheirCaseAndPunctuation) {
    // 20 words of a in a text of 40: 8 runs lie within them
    const Corpus a = corpus_of({numbered(0, 20)});
    std::string shared;
    for (size_t i = 0; i < 20; ++i) shared += fmt::format("W{},\n", i);
    const Corpus b = corpus_of({numbered(100, 110) + shared + numbered(200, 210)});
    const TextOverlap overlap = text_overlap(a, b);
    EXPECT_EQ(overlap.grams, 28U);
    EXPECT_EQ(overlap.shared, 8U);
    EXPECT_DOUBLE_EQ(overlap.share, 8.0 / 28);
    ASSERT_EQ(overlap.examples.size(), 1U);
    EXPECT_TRUE(overlap.examples[0].starts_with("W0, W1, W2,"));
    EXPECT_TRUE(overlap.examples[0].ends_with("W19"));
    EXPECT_EQ(text_overlap(a, corpus_of({numbered(0, 12)})).grams, 0U);
}

TEST(TextOverlap, StaysWithinDocuments) {
    const Corpus whole = corpus_of({numbered(0, 20)});
    const Corpus halves = corpus_of({numbered(0, 10), numbered(10, 20)});
    EXPECT_EQ(text_overlap(whole, halves).grams, 0U);
    EXPECT_EQ(text_overlap(halves, whole).shared, 0U);
}

TEST(TextOverlap, ReadsTheContentsOfChats) {
    Corpus chat;
    chat.documents.push_back(
        {.messages_json = fmt::format(R"([{{"role": "user", "content": "{}"}},)"
                                      R"({{"role": "assistant", "content": [{{"text": "{}"}}]}}])",
                                      numbered(0, 13), numbered(50, 63))});
    EXPECT_EQ(text_overlap(corpus_of({numbered(0, 13)}), chat).shared, 1U);
    EXPECT_EQ(text_overlap(chat, corpus_of({numbered(50, 63)})).share, 1);
}

TEST(TextOverlap, GivesTheLongestPassagesOnce) {
    const Corpus a = corpus_of({numbered(0, 100)});
    const std::string gap = numbered(500, 520);
    const Corpus b = corpus_of({numbered(0, 15) + gap + numbered(0, 15) + gap + numbered(30, 60)});
    const auto examples = text_overlap(a, b).examples;
    ASSERT_EQ(examples.size(), 2U);
    EXPECT_TRUE(examples[0].starts_with("w30 "));
    EXPECT_TRUE(examples[1].starts_with("w0 "));
}

TEST(TextOverlap, IsCutBetweenCharacters) {
    std::string text;
    for (int i = 0; i < 40; ++i) text += fmt::format("ü{}üüü ", i);
    const Corpus a = corpus_of({text});
    const auto examples = text_overlap(a, a).examples;
    ASSERT_EQ(examples.size(), 1U);
    const std::string end = examples[0].substr(0, examples[0].size() - 3);
    EXPECT_NE(static_cast<unsigned char>(end.back()), 0xC3);
}

TEST(TextOverlap, RefusesRunsOfNoWords) {
    EXPECT_THROW(text_overlap({}, {}, 0), Error);
}

// Words from a small vocabulary, so that runs of three are often shared.
std::vector<std::string> random_words(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<std::string> words;
    for (size_t i = 0; i < count; ++i) words.push_back(fmt::format("w{}", random() % 12));
    return words;
}

TEST(TextOverlap, IsWhatComparingAllPairsGivesInAnyNumberOfParts) {
    const auto a = random_words(400, 1);
    const auto b = random_words(300, 2);
    uint64_t shared = 0;
    for (size_t i = 0; i + 3 <= b.size(); ++i) {
        bool found = false;
        for (size_t j = 0; j + 3 <= a.size(); ++j) {
            found |= b[i] == a[j] && b[i + 1] == a[j + 1] && b[i + 2] == a[j + 2];
        }
        shared += found ? 1 : 0;
    }
    const Corpus text_a = corpus_of({fmt::format("{}", fmt::join(a, " "))});
    const Corpus text_b = corpus_of({fmt::format("{}", fmt::join(b, " "))});
    const TextOverlap whole = text_overlap(text_a, text_b, 3);
    EXPECT_EQ(whole.shared, shared);
    EXPECT_EQ(whole.grams, 298U);
    for (const size_t most : {1, 7, 100}) {
        const TextOverlap parts = text_overlap_in_parts(text_a, text_b, 3, most);
        EXPECT_EQ(parts.shared, shared) << most;
        EXPECT_EQ(parts.examples, whole.examples) << most;
    }
}

}  // namespace
}  // namespace bitgauge
