#include <cmath>
#include <cstdint>
#include <rapidcheck.h>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/stats.h"

namespace bitgauge {
namespace {

Moments moments_of(const std::vector<int>& values) {
    Moments m;
    for (int x : values) m.add(x);
    return m;
}

TEST(Moments, OfNothingAreZero) {
    const Moments m;
    EXPECT_EQ(m.count(), 0);
    EXPECT_EQ(m.mean(), 0.0);
    EXPECT_EQ(m.variance(), 0.0);
    EXPECT_EQ(m.standard_error(), 0.0);
}

TEST(Moments, MatchTheClosedForm) {
    // 1, 2, 3, 4: mean 5/2, variance 5/3, standard error sqrt(5/12)
    const Moments m = moments_of({1, 2, 3, 4});
    EXPECT_DOUBLE_EQ(m.mean(), 2.5);
    EXPECT_DOUBLE_EQ(m.variance(), 5.0 / 3);
    EXPECT_DOUBLE_EQ(m.standard_error(), std::sqrt(5.0 / 12));
}

TEST(Moments, KeepASmallSpreadFarFromZero) {
    Moments m;
    for (double x : {1e9 + 1, 1e9 + 2, 1e9 + 3}) m.add(x);
    EXPECT_NEAR(m.variance(), 1.0, 1e-6);
}

TEST(Moments, MergedEqualThoseOfTheWhole) {
    EXPECT_TRUE(rc::check([](const std::vector<int16_t>& a, const std::vector<int16_t>& b) {
        Moments left, right, whole;
        for (int x : a) left.add(x), whole.add(x);
        for (int x : b) right.add(x), whole.add(x);
        left.merge(right);
        RC_ASSERT(left.count() == whole.count());
        RC_ASSERT(std::abs(left.mean() - whole.mean()) <= 1e-9 * (1 + std::abs(whole.mean())));
        RC_ASSERT(std::abs(left.variance() - whole.variance()) <= 1e-9 * (1 + whole.variance()));
    }));
}

TEST(Moments, MergeInAnyOrder) {
    EXPECT_TRUE(rc::check([](const std::vector<int16_t>& a, const std::vector<int16_t>& b) {
        Moments first, second, reversed;
        for (int x : a) first.add(x);
        for (int x : b) second.add(x);
        reversed = second;
        reversed.merge(first);
        first.merge(second);
        RC_ASSERT(std::abs(first.mean() - reversed.mean()) <= 1e-9 * (1 + std::abs(first.mean())));
        RC_ASSERT(std::abs(first.variance() - reversed.variance()) <=
                  1e-9 * (1 + first.variance()));
    }));
}

}  // namespace
}  // namespace bitgauge
