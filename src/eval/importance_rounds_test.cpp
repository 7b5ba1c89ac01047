// Importance measured in rounds, until the rarest expert is known.

#include <algorithm>

#include <gtest/gtest.h>

#include "eval/importance_testing.h"
#include "eval/pass_testing.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

class ImportanceRounds : public testing::Test {
  protected:
    ImportanceOptions options(int64_t tokens) const {
        ImportanceOptions options = options_of(text_);
        options.protocol.max_windows = 2;
        options.min_expert_tokens = tokens;
        return options;
    }
    size_t all_windows() const { return windows_of(tiny_moe(), options_of(text_)).size(); }

    fs::path folder_ = fresh_folder("importance_rounds");
    OwnCache cache_{folder_ / "cache"};
    fs::path text_ = story(folder_, 1000);
};

int64_t fewest_of_any_expert(const fs::path& path) {
    int64_t fewest = INT64_MAX;
    const ImportanceSums sums = read_importance_sums(path);
    for (const auto& [tensor, group] : sums.tensors) {
        const auto& counts = sums.groups[group].counts;
        if (counts.size() > 1) fewest = std::min(fewest, *std::ranges::min_element(counts));
    }
    return fewest;
}

// 64 tokens at two of eight experts each: one of them sees 16 tokens or fewer.
TEST_F(ImportanceRounds, ReadOnUntilTheRarestExpertHasSeenSoMany) {
    WatchedProgress progress;
    const ImportanceOutcome outcome = measured(tiny_moe(), folder_ / "out", options(17), progress);
    EXPECT_GT(outcome.windows, 2U);
    EXPECT_LE(outcome.windows, all_windows());
    EXPECT_TRUE(outcome.rarest_expert_tokens >= 17 || outcome.windows == all_windows());
    EXPECT_EQ(outcome.rarest_expert_tokens, fewest_of_any_expert(folder_ / "out"));
    EXPECT_EQ(progress.warnings.empty(), outcome.rarest_expert_tokens >= 17);
    EXPECT_EQ(static_cast<uint64_t>(read_importance_sums(folder_ / "out").chunks), outcome.windows);
}

TEST_F(ImportanceRounds, EndWithTheText) {
    WatchedProgress progress;
    const ImportanceOutcome outcome =
        measured(tiny_moe(), folder_ / "out", options(1000000), progress);
    EXPECT_EQ(outcome.windows, all_windows());
    EXPECT_LT(outcome.rarest_expert_tokens, 1000000);
    ASSERT_EQ(progress.warnings.size(), 1U);
    EXPECT_NE(progress.warnings[0].find("when the text ended"), std::string::npos);
}

TEST_F(ImportanceRounds, AreOneWhereNothingIsAskedOfExperts) {
    EXPECT_EQ(measured(tiny_moe(), folder_ / "out", options(0)).windows, 2U);
}

TEST_F(ImportanceRounds, AreOneForAModelWithoutExperts) {
    const ImportanceOutcome outcome = measured(baby_llama(), folder_ / "out", options(1000000));
    EXPECT_EQ(outcome.windows, 2U);
    EXPECT_EQ(outcome.rarest_expert_tokens, -1);
}

TEST_F(ImportanceRounds, AreTheSameInStages) {
    const ImportanceOptions whole = options(17);
    ImportanceOptions staged = whole;
    staged.engine.stages = 2;
    measured(tiny_moe(), folder_ / "whole", whole);
    measured(tiny_moe(), folder_ / "staged", staged);
    EXPECT_TRUE(read_text_file(folder_ / "staged") == read_text_file(folder_ / "whole"));
}

TEST_F(ImportanceRounds, GoOnAfterAnInterruptionOfTheLastOne) {
    WatchedProgress counting;
    measured(tiny_moe(), folder_ / "unbroken", options(17), counting);
    WatchedProgress progress = interrupted_in(counting.steps - 1);
    const fs::path out = folder_ / "out";
    const Error error = error_of([&] { measured(tiny_moe(), out, options(17), progress); });
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    WatchedProgress again;
    measured(tiny_moe(), out, options(17), again);
    EXPECT_LT(again.steps, counting.steps) << "rounds that were over are not read again";
    EXPECT_TRUE(read_text_file(out) == read_text_file(folder_ / "unbroken"));
}

}  // namespace
}  // namespace bitgauge
