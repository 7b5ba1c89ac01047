#include "bitgauge/drift.h"

#include <numeric>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

#include "engine/engine_testing.h"
#include "eval/baseline_testing.h"

namespace bitgauge {
namespace {

class Drifts : public testing::Test {
  protected:
    Drifts() {
        make_baseline(baby_llama(), baseline_, small_baseline(story(folder_, 2000)), silent_);
        options_ = {.prompts = 12,
                    .prompt_tokens = 16,
                    .tokens = 24,
                    .parallel = 4,
                    .engine = one_thread()};
    }

    DriftOutcome measured(const std::vector<std::filesystem::path>& files,
                          const std::filesystem::path& original = baby_llama()) {
        return measure_drift(files, baseline_, original, options_, silent_);
    }

    std::filesystem::path folder_ = fresh_folder("drift");
    std::filesystem::path baseline_ = folder_ / "base";
    DriftOptions options_;
    Progress silent_;
};

TEST_F(Drifts, OfTheOriginalItselfIsNone) {
    const DriftOutcome outcome = measured({baby_llama()});
    EXPECT_EQ(outcome.stratum.size(), 12U);
    for (const uint32_t same : outcome.candidates[0].same_tokens) EXPECT_EQ(same, 24U);
    EXPECT_EQ(identical_share(outcome, outcome.candidates[0], 24).value, 1);
    EXPECT_EQ(median_same_tokens(outcome.candidates[0]), 24);
}

TEST_F(Drifts, OfFewerBitsIsMore) {
    const auto q8 = quantized(baby_llama(), "Q8_0", folder_);
    const auto q4 = quantized(baby_llama(), "Q4_0", folder_);
    const DriftOutcome outcome = measured({q8, q4});
    const auto total = [&](size_t i) {
        const auto& same = outcome.candidates[i].same_tokens;
        return std::accumulate(same.begin(), same.end(), 0U);
    };
    EXPECT_GT(total(0), total(1));
    EXPECT_LT(identical_share(outcome, outcome.candidates[1], 24).value, 1);
    EXPECT_GE(identical_share(outcome, outcome.candidates[1], 1).value,
              identical_share(outcome, outcome.candidates[1], 24).value);
}

TEST_F(Drifts, AreRecordedUnderAKeyOfTheirContent) {
    const auto q4 = quantized(baby_llama(), "Q4_0", folder_);
    const DriftOutcome outcome = measured({q4});
    const auto records = drift_records(outcome, options_.engine);
    ASSERT_EQ(records.size(), 1U);
    const DriftRecord& record = records[0];
    EXPECT_EQ(record.model.file, q4.filename().string());
    EXPECT_EQ(record.original.file, baby_llama().filename().string());
    EXPECT_EQ(record.beginnings.same_tokens, outcome.candidates[0].same_tokens);
    EXPECT_EQ(record.beginnings.cluster.size(), 12U);
    EXPECT_EQ(record.tokens, 24U);
    EXPECT_GT(record.elapsed_s, 0);
    const DriftRecord again = drift_records(measured({q4}), options_.engine)[0];
    EXPECT_EQ(again.key, record.key);
    EXPECT_EQ(again.elapsed_s, 0);  // kept
    options_.tokens = 8;
    EXPECT_NE(drift_records(measured({q4}), options_.engine)[0].key, record.key);
}

TEST_F(Drifts, NeedTheOriginalOnce) {
    EXPECT_THROW(measured({baby_llama()}, {}), Error);
    measured({});
    EXPECT_EQ(measured({baby_llama()}, {}).candidates.size(), 1U);
}

TEST_F(Drifts, RefuseAnotherOriginal) {
    EXPECT_THROW(measured({}, quantized(baby_llama(), "Q8_0", folder_)), Error);
}

TEST_F(Drifts, NeedWindowsAsLongAsThePrompt) {
    options_.prompt_tokens = 1000;
    EXPECT_THROW(measured({}), Error);
}

TEST(MedianSameTokens, IsBetweenTheTwoInTheMiddle) {
    EXPECT_EQ(median_same_tokens({.same_tokens = {9, 1, 4, 3}}), 3.5);
    EXPECT_EQ(median_same_tokens({.same_tokens = {9, 1, 4}}), 4);
}

}  // namespace
}  // namespace bitgauge
