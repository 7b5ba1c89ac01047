#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/hub.h"

#include "hub/tag_match.h"

namespace bitgauge {
namespace {

HubListing listing_of(const std::vector<std::string>& paths) {
    HubListing listing{"user/model", "main", "c0ffee", {}};
    for (const auto& path : paths) listing.files.push_back({path, 1000, std::string(64, 'a')});
    return listing;
}

std::vector<std::string> chosen(const std::vector<std::string>& paths, const std::string& tag,
                                bool with_projector = false) {
    std::vector<std::string> names;
    for (const auto& file : choose_files(listing_of(paths), tag, with_projector)) {
        names.push_back(file.path);
    }
    return names;
}

using Names = std::vector<std::string>;

TEST(HasLabel, IsCaseInsensitiveAndStandsBetweenDelimiters) {
    EXPECT_TRUE(has_label("model-Q4_K_M.gguf", "q4_k_m"));
    EXPECT_TRUE(has_label("model.q4_k_m.gguf", "Q4_K_M"));
    EXPECT_TRUE(has_label("BF16/model-00001-of-00002.gguf", "bf16"));
    EXPECT_FALSE(has_label("model-IQ4_XS.gguf", "Q4_XS"));
    EXPECT_FALSE(has_label("model-Q4_K_M.gguf", "Q4_K"));
    EXPECT_TRUE(has_label("model-Q4_K_M.gguf", "Q4_K", true));
    EXPECT_FALSE(has_label("model-Q4_K_M.gguf", ""));
}

TEST(LabelOf, IsWhatAUserWouldType) {
    EXPECT_EQ(label_of("model-Q4_K_M.gguf"), "Q4_K_M");
    EXPECT_EQ(label_of("model-UD-IQ2_XXS.gguf"), "UD-IQ2_XXS");
    EXPECT_EQ(label_of("BF16/model.gguf"), "BF16");
    EXPECT_EQ(label_of("dir/Qwen3-7b.gguf"), "Qwen3-7b");
}

TEST(ChooseFiles, WithoutATagIsQ4KMThenTheFirst) {
    EXPECT_EQ(chosen({"m-BF16.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf"}, ""), Names{"m-Q4_K_M.gguf"});
    EXPECT_EQ(chosen({"m-Q8_0.gguf", "m-Q2_K.gguf", "README.md"}, ""), Names{"m-Q2_K.gguf"});
}

TEST(ChooseFiles, TakesEveryShardInOrder) {
    EXPECT_EQ(
        chosen({"Q8_0/m-00002-of-00002.gguf", "Q8_0/m-00001-of-00002.gguf", "m-Q4_0.gguf"}, "q8_0"),
        (Names{"Q8_0/m-00001-of-00002.gguf", "Q8_0/m-00002-of-00002.gguf"}));
}

TEST(ChooseFiles, RefusesAnIncompleteSplit) {
    EXPECT_THROW(chosen({"m-Q8_0-00001-of-00003.gguf", "m-Q8_0-00003-of-00003.gguf"}, "Q8_0"),
                 Error);
}

TEST(ChooseFiles, PassesOverProjectorsAndImportanceUnlessAsked) {
    const Names paths = {"imatrix.gguf", "m-F16.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf"};
    EXPECT_EQ(chosen(paths, "f16"), Names{"m-F16.gguf"});
    EXPECT_EQ(chosen(paths, ""), Names{"m-F16.gguf"});
    EXPECT_EQ(chosen(paths, "", true), (Names{"m-F16.gguf", "mmproj-F16.gguf"}));
}

TEST(ChooseFiles, APartOfALabelCountsOnlyWhereItMeansOneFile) {
    EXPECT_EQ(chosen({"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, "Q4_K"), Names{"m-Q4_K_M.gguf"});
    EXPECT_THROW(chosen({"m-Q4_K_M.gguf", "m-Q4_K_S.gguf"}, "Q4_K"), Error);
}

TEST(ChooseFiles, AnUnknownTagNamesWhatIsThereWithSizes) {
    try {
        chosen({"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, "q4_k_n");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_STREQ(error.what(),
                     "'user/model' has no GGUF file with the tag 'q4_k_n'; there are Q4_K_M (1000 "
                     "B), Q8_0 (1000 B)");
        EXPECT_EQ(error.hint(), "did you mean 'user/model:Q4_K_M'?");
    }
}

TEST(ParseHubName, TakesUserNameAndTag) {
    EXPECT_EQ(parse_hub_name("a/b:Q8_0").tag, "Q8_0");
    EXPECT_EQ(parse_hub_name("a-1/b.c_d").repository, "a-1/b.c_d");
    for (const char* bad : {"b", "a/b/c", "/b", "a/", "../b", "a/..", "a b/c", "a/b:", "a/b?x"}) {
        EXPECT_THROW(parse_hub_name(bad), Error) << bad;
    }
}

}  // namespace
}  // namespace bitgauge
