#include "rounding/cholesky.h"

#include <vector>

#include <gtest/gtest.h>

#include "rounding/rounding_testing.h"

namespace bitgauge {
namespace {

// Panels and stripes that are not whole.
constexpr size_t kWidth = 601;

Matrix whole(std::vector<float>& matrix) {
    return {matrix.data(), kWidth, kWidth, kWidth};
}

TEST(BlockedCholesky, HasTheFactorOfLapack) {
    std::vector<float> blocked =
        moments_of(kWidth, synthetic_weights(2 * kWidth * kWidth, 1)).second;
    std::vector<float> plain = blocked;
    ASSERT_TRUE(factor_cholesky_blocked(whole(blocked)));
    ASSERT_TRUE(factor_cholesky(whole(plain)));
    const float largest = plain[0];
    for (size_t i = 0; i < kWidth; ++i) {
        for (size_t j = 0; j <= i; ++j) {
            ASSERT_NEAR(blocked[i * kWidth + j], plain[i * kWidth + j], 1e-5F * largest)
                << i << ' ' << j;
        }
    }
}

TEST(BlockedCholesky, RefusesWhatIsNotPositiveDefinite) {
    std::vector<float> matrix(kWidth * kWidth);
    for (size_t i = 0; i < kWidth; ++i) matrix[i * kWidth + i] = 1;
    matrix[500 * kWidth + 3] = 2;
    EXPECT_FALSE(factor_cholesky_blocked(whole(matrix)));
}

}  // namespace
}  // namespace bitgauge
