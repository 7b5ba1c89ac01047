#include "rounding/input_moments.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "rounding/rounder.h"

namespace bitgauge {
namespace {

TEST(InputMoments, AreSumsOverTokens) {
    InputMoments moments = {.width = 2};
    moments.add(std::vector<float>{1, 2, 3, 4}, {});
    EXPECT_EQ(moments.tokens, 2U);
    EXPECT_EQ(moments.second, (std::vector<float>{10, 0, 14, 20}));
    EXPECT_TRUE(moments.shift.empty());
}

TEST(InputMoments, ShiftHasTheChannelsOfXAsRows) {
    // x - xq = (1, 0), xq = (2, 3): [2 3; 0 0].
    InputMoments moments = {.width = 2};
    moments.add(std::vector<float>{2, 3}, std::vector<float>{3, 3});
    EXPECT_EQ(moments.shift, (std::vector<float>{2, 3, 0, 0}));
}

TEST(InputMoments, MergeAsIfAddedInOne) {
    InputMoments all = {.width = 2};
    InputMoments first = {.width = 2};
    InputMoments second = {.width = 2};
    all.add(std::vector<float>{1, 2, 3, 4}, std::vector<float>{1, 2, 4, 4});
    first.add(std::vector<float>{1, 2}, {});
    second.add(std::vector<float>{3, 4}, std::vector<float>{4, 4});
    first.merge(second);
    EXPECT_EQ(first.tokens, all.tokens);
    EXPECT_EQ(first.second, all.second);
    EXPECT_EQ(first.shift, all.shift);
}

TEST(InputMoments, MergeIntoNothing) {
    InputMoments empty = {.width = 2};
    InputMoments some = {.width = 2};
    some.add(std::vector<float>{1, 2}, {});
    empty.merge(some);
    EXPECT_EQ(empty.second, some.second);
    some.merge(InputMoments{.width = 2});
    EXPECT_EQ(some.second, empty.second);
}

TEST(InputMoments, APriorCountsForItsTokens) {
    InputMoments prior = {.width = 1};
    prior.add(std::vector<float>{2, 2, 2, 2}, {});
    InputMoments moments = {.width = 1};
    moments.add(std::vector<float>{1}, {});
    moments.add_prior(prior, 2);
    EXPECT_EQ(moments.tokens, 3U);
    EXPECT_EQ(moments.second[0], 1 + 2 * 4);
}

TEST(InputMoments, StayPreciseOverAMillionTokens) {
    InputMoments moments = {.width = 2};
    std::vector<float> rows(2 * 500);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = 0.1F + 0.01F * static_cast<float>(i % 7);
    double sum = 0;
    for (size_t i = 0; i < rows.size(); i += 2) sum += double{rows[i]} * double{rows[i + 1]};
    for (int call = 0; call < 2000; ++call) moments.add(rows, {});
    EXPECT_NEAR(moments.second[2] / (2000 * sum), 1, 5e-5);
}

TEST(OutputError, IsWhatDependsOnTheRounding) {
    // One row, two tokens: sum of (w x - v xq)^2 less that of v = 0, and less nothing of w.
    const std::vector<float> xq = {1, 2, -1, 3};
    const std::vector<float> x = {2, 2, -1, 4};
    InputMoments moments = {.width = 2};
    moments.add(xq, x);
    const std::vector<float> w = {0.5F, -1};
    const std::vector<float> v = {1, -0.5F};
    const auto loss = [&](const std::vector<float>& rounded) {
        double sum = 0;
        for (size_t t = 0; t < 2; ++t) {
            const double wanted = w[0] * x[2 * t] + w[1] * x[2 * t + 1];
            const double got = rounded[0] * xq[2 * t] + rounded[1] * xq[2 * t + 1];
            sum += (wanted - got) * (wanted - got);
        }
        return sum / 2;
    };
    EXPECT_NEAR(output_error(moments, w, v) - output_error(moments, w, w), loss(v) - loss(w), 1e-6);
    EXPECT_EQ(output_error(moments, w, w), 0);
    // w xq = -1.5 and -3.5.
    EXPECT_NEAR(output_energy(moments, w), (2.25 + 12.25) / 2, 1e-6);
}

}  // namespace
}  // namespace bitgauge
