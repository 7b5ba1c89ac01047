#include "stats/square_sums.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::vector<float>> uneven_rows(size_t rows, size_t channels) {
    std::vector<std::vector<float>> values(rows, std::vector<float>(channels));
    uint64_t state = 7;
    for (auto& row : values) {
        for (float& value : row) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            const int exponent = static_cast<int>(state >> 60) * 4 - 30;
            value = std::ldexp(static_cast<float>(state >> 40) / 16777216.0F - 0.5F, exponent);
        }
    }
    return values;
}

std::vector<const float*> pointers(const std::vector<std::vector<float>>& rows) {
    std::vector<const float*> all;
    for (const auto& row : rows) all.push_back(row.data());
    return all;
}

TEST(SquareSums, AreTheSequentialSumsInDoubleForAnyShape) {
    for (const size_t rows : {0, 1, 7, 8, 9, 37}) {
        for (const size_t channels : {1, 3, 4, 8, 17, 100}) {
            const auto values = uneven_rows(rows, channels);
            std::vector<double> expected(channels, 0.25);
            for (const auto& row : values) {
                for (size_t c = 0; c < channels; ++c) {
                    expected[c] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
                }
            }
            std::vector<double> sums(channels, 0.25);
            add_squares(pointers(values), sums);
            EXPECT_EQ(sums, expected) << rows << " rows of " << channels;
        }
    }
}

TEST(SquareSums, HaveTheSameBitsHoweverRowsAreDivided) {
    const auto values = uneven_rows(100, 33);
    const auto rows = pointers(values);
    std::vector<double> whole(33);
    add_squares(rows, whole);
    std::vector<double> parts(33);
    for (size_t first = 0; first < rows.size(); first += 13) {
        const size_t count = std::min<size_t>(13, rows.size() - first);
        add_squares(std::span(rows).subspan(first, count), parts);
    }
    EXPECT_EQ(parts, whole);
}

TEST(SquareSums, DoNotDriftOverManyTokens) {
    // In single precision 0.1^2 added a million times is off by a percent.
    const std::vector<float> row(5, 0.1F);
    const std::vector<const float*> rows(1'000'000, row.data());
    std::vector<double> sums(5);
    add_squares(rows, sums);
    const double square = static_cast<double>(0.1F) * static_cast<double>(0.1F);
    for (const double sum : sums) EXPECT_NEAR(sum / (1e6 * square), 1.0, 1e-10);
}

TEST(SquareSums, ShowWhatIsNotFinite) {
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
        for (const size_t at : {0, 9, 10}) {
            std::vector<float> row(11, 1.0F);
            row[at] = bad;
            const std::vector<const float*> rows = {row.data()};
            std::vector<double> sums(11);
            EXPECT_TRUE(all_finite(sums));
            add_squares(rows, sums);
            EXPECT_FALSE(all_finite(sums)) << bad << " at " << at;
        }
    }
}

}  // namespace
}  // namespace bitgauge
