#include "linear/blas.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

TEST(Product, IsWrittenForThisProcessor) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        EXPECT_NE(product_processor(), "Prescott");
    }
#endif
    EXPECT_FALSE(product_processor().empty());
}

TEST(Product, AddsAPartOfALargerMatrix) {
    // [1 2; 3 4] [5; 6] = [17; 39], with rows three apart.
    const std::vector<float> left = {1, 2, -9, 3, 4, -9};
    const std::vector<float> right = {5, 6};
    std::vector<float> sum = {100, 200};
    add_product(2, {left.data(), 2, 2, 3}, Form::kPlain, {right.data(), 2, 1, 1}, Form::kPlain,
                {sum.data(), 2, 1, 1});
    EXPECT_EQ(sum, (std::vector<float>{134, 278}));
}

TEST(Product, TransposesEitherSide) {
    const std::vector<float> left = {1, 3, 2, 4};
    const std::vector<float> right = {5, 6};
    std::vector<float> sum = {0, 0};
    add_product(1, {left.data(), 2, 2, 2}, Form::kTransposed, {right.data(), 1, 2, 2},
                Form::kTransposed, {sum.data(), 2, 1, 1});
    EXPECT_EQ(sum, (std::vector<float>{17, 39}));
}

TEST(Gram, AddsTheLowerTriangleAlone) {
    const std::vector<float> rows = {1, 2, 3, 4};
    std::vector<float> sum = {0.5F, 7, 0, 0};
    add_gram({rows.data(), 2, 2, 2}, {sum.data(), 2, 2, 2});
    EXPECT_EQ(sum, (std::vector<float>{10.5F, 7, 14, 20}));
}

TEST(Cholesky, LeavesTheLowerFactor) {
    // [4 2; 2 10] = L L^T with L = [2 0; 1 3].
    std::vector<float> matrix = {4, 99, 2, 10};
    ASSERT_TRUE(factor_cholesky({matrix.data(), 2, 2, 2}));
    EXPECT_EQ(matrix, (std::vector<float>{2, 99, 1, 3}));
}

TEST(Cholesky, RefusesWhatIsNotPositiveDefinite) {
    std::vector<float> matrix = {1, 0, 2, 1};
    EXPECT_FALSE(factor_cholesky({matrix.data(), 2, 2, 2}));
}

TEST(Solution, TakesTheDiagonalAsOnes) {
    // [1 2; 0 1] x = [7; 3] gives [1; 3]; its transposed gives [7; -11].
    const std::vector<float> upper = {55, 2, 77, 55};
    std::vector<float> x = {7, 3};
    solve_unit_upper({upper.data(), 2, 2, 2}, Form::kPlain, {x.data(), 2, 1, 1});
    EXPECT_EQ(x, (std::vector<float>{1, 3}));
    x = {7, 3};
    solve_unit_upper({upper.data(), 2, 2, 2}, Form::kTransposed, {x.data(), 2, 1, 1});
    EXPECT_EQ(x, (std::vector<float>{7, -11}));
}

}  // namespace
}  // namespace bitgauge
