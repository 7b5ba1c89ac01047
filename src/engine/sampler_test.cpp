#include "engine/sampler.h"

#include <vector>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

constexpr uint32_t kVocabulary = 3;

TokenId after(const std::vector<TokenId>& read, const SamplingOptions& options,
              const std::vector<float>& logits) {
    Sampler sampler(options, 1, kVocabulary);
    for (const TokenId token : read) sampler.accept(token);
    return sampler.next(logits);
}

// A positive logit of 3 is divided by the penalty, a negative one of -1 multiplied.
TEST(Sampler, PenalizesWhatWasRead) {
    const std::vector<float> positive = {3, 2, 0};
    EXPECT_EQ(after({}, {.repeat_penalty = 2}, positive), 0);
    EXPECT_EQ(after({0}, {.repeat_penalty = 1.4F}, positive), 0);  // 2.14
    EXPECT_EQ(after({0}, {.repeat_penalty = 1.6F}, positive), 1);  // 1.875
    const std::vector<float> negative = {-1, -1.5F, -9};
    EXPECT_EQ(after({0}, {.repeat_penalty = 1.4F}, negative), 0);  // -1.4
    EXPECT_EQ(after({0}, {.repeat_penalty = 1.6F}, negative), 1);  // -1.6
}

TEST(Sampler, ForgetsWhatIsLongAgo) {
    const std::vector<float> logits = {3, 2, 0};
    const SamplingOptions lately = {.repeat_penalty = 10, .repeat_last = 2};
    EXPECT_EQ(after({0, 2}, lately, logits), 1);
    EXPECT_EQ(after({0, 2, 2}, lately, logits), 0);
}

TEST(Sampler, CountsWhatItChoseItself) {
    Sampler sampler({.repeat_penalty = 2}, 1, kVocabulary);
    const std::vector<float> logits = {3, 2, 1.4F};
    EXPECT_EQ(sampler.next(logits), 0);
    EXPECT_EQ(sampler.next(logits), 1);  // 1.5, 2, 1.4
    EXPECT_EQ(sampler.next(logits), 0);  // 1.5, 1, 1.4
}

}  // namespace
}  // namespace bitgauge
