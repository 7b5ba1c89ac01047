#include "rounding/cholesky.h"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

#include "linear/blas.h"
#include "rounding/rounding_testing.h"
#include "rounding/symmetric.h"

namespace bitgauge {
namespace {

std::vector<uint32_t> plain_order(size_t width) {
    std::vector<uint32_t> order(width);
    std::iota(order.begin(), order.end(), 0U);
    return order;
}

std::vector<float> moments(size_t width) {
    return moments_of(width, synthetic_weights(2 * width * width, 1)).second;
}

TiledTriangle in_tiles(const std::vector<float>& lower, size_t width) {
    return permuted_tiles(lower, 1, plain_order(width));
}

class TiledCholesky : public ::testing::TestWithParam<size_t> {};

// Within one tile, whole tiles, whole bands of them, and what is left over.
INSTANTIATE_TEST_SUITE_P(Widths, TiledCholesky,
                         ::testing::Values(1, 31, 48, 49, 192, 256, 512, 601, 1100));

TEST_P(TiledCholesky, HasTheFactorOfLapack) {
    const size_t width = GetParam();
    std::vector<float> plain = moments(width);
    TiledTriangle tiled = in_tiles(plain, width);
    ASSERT_TRUE(factor_cholesky_tiled(tiled));
    ASSERT_TRUE(factor_cholesky({plain.data(), width, width, width}));
    const float largest = plain[0];
    for (size_t i = 0; i < width; ++i) {
        for (size_t j = i; j < width; ++j) {
            ASSERT_NEAR(tiled.at(i, j), plain[j * width + i], 1e-5F * largest) << i << ' ' << j;
        }
    }
}

TEST(CholeskyInTiles, RefusesWhatIsNotPositiveDefinite) {
    for (const size_t width : {40, 601}) {
        std::vector<float> matrix(width * width);
        for (size_t i = 0; i < width; ++i) matrix[i * width + i] = 1;
        matrix[(width - 2) * width + 3] = 2;
        TiledTriangle tiled = in_tiles(matrix, width);
        EXPECT_FALSE(factor_cholesky_tiled(tiled)) << width;
    }
}

TEST(CholeskyInTiles, IsTheSameOnOneThread) {
    constexpr size_t kWidth = 1500;
    const TiledTriangle matrix = in_tiles(moments(kWidth), kWidth);
    TiledTriangle shared = matrix;
    ASSERT_TRUE(factor_cholesky_tiled(shared));
    const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
    TiledTriangle alone = matrix;
    ASSERT_TRUE(factor_cholesky_tiled(alone));
    for (size_t i = 0; i < kWidth; ++i) {
        for (size_t j = i; j < kWidth; ++j) ASSERT_EQ(shared.at(i, j), alone.at(i, j));
    }
}

}  // namespace
}  // namespace bitgauge
