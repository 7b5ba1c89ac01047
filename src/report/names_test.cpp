#include "report/names.h"

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

using Names = std::vector<std::string>;

ModelIdentity model(const char* file, const char* publisher = "", const char* hash = "0123456789") {
    ModelIdentity identity;
    identity.file = file;
    identity.publisher = publisher;
    identity.content_hash = hash;
    return identity;
}

Names names_of(std::vector<ModelIdentity> models) {
    return short_names(models);
}

TEST(ShortNames, LeaveOutWhatAllShare) {
    EXPECT_EQ(names_of({model("Qwen3-4B-Q4_K_M.gguf"), model("Qwen3-4B-UD-Q4_K_XL.gguf")}),
              (Names{"Q4_K_M", "UD-Q4_K_XL"}));
}

TEST(ShortNames, AreCutOnlyBehindAHyphen) {
    EXPECT_EQ(names_of({model("m-Q4_K_M.gguf"), model("m-Q4_K_S.gguf")}),
              (Names{"Q4_K_M", "Q4_K_S"}));
    EXPECT_EQ(names_of({model("Q4_K_M.gguf"), model("Q4_K_S.gguf")}), (Names{"Q4_K_M", "Q4_K_S"}));
}

TEST(ShortNames, AFileAloneKeepsItsName) {
    EXPECT_EQ(names_of({model("Qwen3-4B-Q4_K_M.gguf")}), (Names{"Qwen3-4B-Q4_K_M"}));
}

TEST(ShortNames, ThePublisherStandsBeforeTheName) {
    EXPECT_EQ(names_of({model("m-Q4_K_M.gguf", "unsloth"), model("m-Q4_K_M.gguf", "bartowski")}),
              (Names{"unsloth Q4_K_M", "bartowski Q4_K_M"}));
}

TEST(ShortNames, EqualNamesAreToldApartByContent) {
    EXPECT_EQ(names_of({model("a-X.gguf", "", "aaaaaaaa"), model("a-X.gguf", "", "bbbbbbbb"),
                        model("a-Y.gguf")}),
              (Names{"X #aaaaaa", "X #bbbbbb", "Y"}));
}

TEST(ShortNames, OneFileMeasuredTwiceIsNumbered) {
    EXPECT_EQ(names_of({model("a-X.gguf"), model("a-X.gguf"), model("a-Y.gguf")}),
              (Names{"X #012345", "X #012345 (2)", "Y"}));
}

TEST(ShortNames, ANameThatIsOnlyThePrefixStaysWhole) {
    EXPECT_EQ(names_of({model("a-.gguf"), model("a-Q8.gguf")}), (Names{"a-", "Q8"}));
}

TEST(ShortNames, AreSafeToPrint) {
    EXPECT_EQ(names_of({model("a\x1b[2J.gguf")}), (Names{"a\xEF\xBF\xBD[2J"}));
}

}  // namespace
}  // namespace bitgauge
