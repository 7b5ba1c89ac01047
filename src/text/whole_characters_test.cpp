#include "text/whole_characters.h"

#include <vector>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

const std::string kText = "a\u00e9\u20ac\U0001F600z";  // 1, 2, 3 and 4 bytes
const std::string kReplaced = "\uFFFD";

// Every piece that came out, the last by finish().
std::vector<std::string> pieces(const std::vector<std::string>& bytes) {
    WholeCharacters characters;
    std::vector<std::string> out;
    for (const std::string& each : bytes) out.push_back(characters.add(each));
    out.push_back(characters.finish());
    return out;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += text;
    return all;
}

TEST(WholeCharacters, AreTheTextWhereverItIsCut) {
    for (size_t i = 0; i <= kText.size(); ++i) {
        for (size_t j = i; j <= kText.size(); ++j) {
            const std::vector<std::string> cut = {kText.substr(0, i), kText.substr(i, j - i),
                                                  kText.substr(j)};
            EXPECT_EQ(joined(pieces(cut)), kText);
        }
    }
}

TEST(WholeCharacters, WaitForTheirLastByteAndNotLonger) {
    EXPECT_EQ(pieces({"x\xe2", "\x82", "\xac", "y"}),
              (std::vector<std::string>{"x", "", "\u20ac", "y", ""}));
}

TEST(WholeCharacters, ThatAreNoneAreReplaced) {
    EXPECT_EQ(pieces({"a\xff", "b"}), (std::vector<std::string>{"a" + kReplaced, "b", ""}));
    EXPECT_EQ(joined(pieces({"\xe2", "x"})), kReplaced + "x");  // begun, and another follows
    EXPECT_EQ(joined(pieces({"\x80"})), kReplaced);             // a rest without a beginning
}

TEST(WholeCharacters, CutOffAtTheEndAreReplacedThere) {
    EXPECT_EQ(pieces({"a\xf0\x9f\x98"}), (std::vector<std::string>{"a", kReplaced}));
}

// A surrogate and an overlong form are no characters [Unicode 15, table 3-7].
TEST(WholeCharacters, AreThoseOfUnicode) {
    EXPECT_EQ(joined(pieces({"\xed\xa0\x80"})).find("\xed"), std::string::npos);
    EXPECT_EQ(joined(pieces({"\xc0\xaf"})).find("\xc0"), std::string::npos);
}

}  // namespace
}  // namespace bitgauge
