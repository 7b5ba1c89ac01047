// A folder of priors. Nothing is written outside the tests' own folder.

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "bitgauge/prior.h"

#include "base/files.h"

#include "cost/prior_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

class PriorCollection : public testing::Test {
  protected:
    void SetUp() override {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = fs::temp_directory_path() / "bitgauge_priors" / info->name();
        fs::remove_all(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    static Prior entry(const std::string& name, const std::string& architecture, double smooth) {
        return made_prior(name, architecture, 7,
                          {{"ffn_up", {.tensors = 1, .weights = 1, .curve = {{0, smooth, 0}}}}});
    }

    fs::path folder_;
};

TEST_F(PriorCollection, HasTheShippedOnesWhereTheFolderIsAbsent) {
    EXPECT_EQ(all_priors(folder_).size(), shipped_priors().size());
    EXPECT_EQ(all_priors({}).size(), shipped_priors().size());
}

TEST_F(PriorCollection, KeepsAnEntryAndReplacesItsLike) {
    EXPECT_FALSE(keep_prior(entry("My model", "llama", 1), folder_).replaced);
    const KeptPrior again = keep_prior(entry("My model", "llama", 2), folder_);
    EXPECT_TRUE(again.replaced);
    EXPECT_EQ(again.path.filename(), "llama-my_model.json");
    EXPECT_EQ(all_priors(folder_).size(), shipped_priors().size() + 1);
    const Prior kept = prior_named(all_priors(folder_), "My model");
    EXPECT_EQ(kept.roles.at("ffn_up").curve[0].smooth, 2);
    EXPECT_EQ(kept.origin, again.path.string());
}

TEST_F(PriorCollection, TwoModelsWhoseNamesMakeOneFileNameAreBothKept) {
    keep_prior(entry("a b", "llama", 1), folder_);
    EXPECT_FALSE(keep_prior(entry("a/b", "llama", 2), folder_).replaced);
    EXPECT_EQ(all_priors(folder_).size(), shipped_priors().size() + 2);
}

TEST_F(PriorCollection, AnOwnEntryComesBeforeTheShippedOneOfItsModel) {
    const Prior& shipped = shipped_priors().front();
    keep_prior(entry(shipped.name, shipped.architecture, 3), folder_);
    EXPECT_EQ(all_priors(folder_).size(), shipped_priors().size());
    EXPECT_EQ(prior_named(all_priors(folder_), shipped.name).parameters, 7U);
}

TEST_F(PriorCollection, ADamagedFileIsNamed) {
    keep_prior(entry("a", "llama", 1), folder_);
    write_file_atomically(folder_ / "b.json", "{");
    write_file_atomically(folder_ / "notes.txt", "not one of them");
    expect_says(refusal([&] { all_priors(folder_); }), {"b.json", "no JSON"});
}

TEST(OwnPriorsFolder, FollowsTheEnvironment) {
    const char* before = std::getenv("XDG_DATA_HOME");
    const std::string kept = before == nullptr ? "" : before;
    setenv("XDG_DATA_HOME", "/data", 1);
    EXPECT_EQ(own_priors_folder(), "/data/bitgauge/priors");
    unsetenv("XDG_DATA_HOME");
    EXPECT_EQ(own_priors_folder(), fs::path(std::getenv("HOME")) / ".local/share/bitgauge/priors");
    if (before != nullptr) setenv("XDG_DATA_HOME", kept.c_str(), 1);
}

}  // namespace
}  // namespace bitgauge
