#include "text/words.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

std::vector<std::string> slices(const std::string& text) {
    std::vector<std::string> words;
    for_each_word(text, [&](const Word& word) {
        words.push_back(text.substr(word.begin, word.end - word.begin));
    });
    return words;
}

uint64_t hash_of(const std::string& text) {
    std::vector<uint64_t> hashes;
    for_each_word(text, [&](const Word& word) { hashes.push_back(word.hash); });
    EXPECT_EQ(hashes.size(), 1U) << text;
    return hashes.empty() ? 0 : hashes[0];
}

using Texts = std::vector<std::string>;

TEST(Words, LieBetweenWhiteSpaceOfUnicode) {
    EXPECT_EQ(slices("one two\tthree\n\nfour"), (Texts{"one", "two", "three", "four"}));
    // no-break space, ideographic space, line separator
    EXPECT_EQ(slices("one\u00A0two\u3000three\u2028four"), (Texts{"one", "two", "three", "four"}));
    EXPECT_EQ(slices(""), Texts{});
    EXPECT_EQ(slices(" \n "), Texts{});
}

TEST(Words, IgnorePunctuationAndCase) {
    EXPECT_EQ(slices("\"Don't,\" -- he said..."), (Texts{"Don't", "he", "said"}));
    EXPECT_EQ(hash_of("Don't"), hash_of("\u201CDONT\u201D!"));
    EXPECT_EQ(hash_of("ÜBER"), hash_of("über"));
    EXPECT_EQ(hash_of("ПРИВЕТ"), hash_of("«привет»"));
    EXPECT_NE(hash_of("word"), hash_of("words"));
    EXPECT_EQ(hash_of("so\u00ADft"), hash_of("soft"));  // a soft hyphen
    EXPECT_EQ(slices("= = $ | -> ..."), Texts{});
}

TEST(Words, OfScriptsWithoutSpacesAreTheirCharacters) {
    EXPECT_EQ(slices("漢字 and かな。"), (Texts{"漢", "字", "and", "か", "な"}));
}

TEST(Words, AreEndedByBytesThatAreNoText) {
    EXPECT_EQ(slices("one\xFFtwo\xC3"), (Texts{"one", "two"}));
}

}  // namespace
}  // namespace bitgauge
