#include "eval/log_probability_rows.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "eval/eval_testing.h"

namespace bitgauge {
namespace {

constexpr float kWholeRange = std::numeric_limits<float>::infinity();

std::vector<uint16_t> encoded(std::span<const float> logits, float range) {
    std::vector<uint16_t> row(log_probability_row_values(logits.size()), 0xABCD);
    encode_log_probabilities(logits, range, row);
    return row;
}

std::vector<float> decoded(std::span<const uint16_t> row, size_t vocabulary) {
    std::vector<float> out(vocabulary);
    decode_log_probabilities(row, 0, out);
    return out;
}

struct Case {
    size_t vocabulary;
    double spread;
    float range;
};

class Rows : public testing::TestWithParam<Case> {};

TEST_P(Rows, AreByteForByteThePeers) {
    const auto [vocabulary, spread, range] = GetParam();
    for (unsigned seed = 1; seed <= 20; ++seed) {
        const std::vector<float> logits = random_logits(1, vocabulary, spread, seed);
        EXPECT_EQ(encoded(logits, range), peer_row(logits, range));
    }
}

// In double: an entry above the cut is told to half a step of range / 65535, one below it stands at
// the cut.
TEST_P(Rows, HoldLogSoftmaxToHalfAStep) {
    const auto [vocabulary, spread, range] = GetParam();
    const std::vector<float> logits = random_logits(1, vocabulary, spread, 77);
    const std::vector<double> wanted = log_softmax_in_double(logits);
    const auto [least, most] = std::ranges::minmax(wanted);
    const double cut = std::max(least, most - double{range});
    const double step = (most - cut) / 65535;
    const double single_precision = 4e-7 * std::abs(cut);
    const std::vector<float> got = decoded(encoded(logits, range), vocabulary);
    for (size_t v = 0; v < vocabulary; ++v) {
        EXPECT_NEAR(got[v], std::max(wanted[v], cut), step / 2 + single_precision) << v;
    }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, Rows,
                         testing::Values(Case{105, 2, 16}, Case{104, 9, 16}, Case{4096, 4, 16},
                                         Case{4097, 8, 24}, Case{1001, 8, kWholeRange},
                                         Case{2, 30, 16}, Case{1000, 1e-3, 16}));

TEST(LogProbabilityRow, IsPaddedToAnEvenVocabulary) {
    EXPECT_EQ(log_probability_row_values(105), 106U + 4);
    EXPECT_EQ(log_probability_row_values(106), 106U + 4);
    EXPECT_EQ(encoded(random_logits(1, 105, 2, 1), 16).back(), 0);
}

TEST(LogProbabilityRow, OfEqualLogitsIsUniform) {
    for (const size_t vocabulary : {1UL, 7UL, 1000UL}) {
        const std::vector<float> logits(vocabulary, -3.5F);
        EXPECT_EQ(encoded(logits, 16), peer_row(logits, 16));
        for (float p : decoded(encoded(logits, 16), vocabulary)) {
            EXPECT_NEAR(p, -std::log(static_cast<double>(vocabulary)), 1e-6);
        }
    }
}

TEST(LogProbabilityRow, CutsAtItsRange) {
    const std::vector<float> logits = {0, -15.999F, -16, -16.001F, -40};
    const std::vector<uint16_t> row = encoded(logits, 16);
    EXPECT_EQ(row, peer_row(logits, 16));
    EXPECT_EQ(row[4], 65535);
    EXPECT_GT(row[5], 0);
    for (size_t v = 2; v < 5; ++v) EXPECT_EQ(row[4 + v], 0);
    EXPECT_GT(encoded(logits, 24)[4 + 3], 0);
}

TEST(LogProbabilityRow, IsReadFromAnyPlace) {
    const std::vector<uint16_t> row = encoded(random_logits(1, 50, 3, 5), 16);
    const std::vector<float> whole = decoded(row, 50);
    std::vector<float> part(13);
    decode_log_probabilities(row, 20, part);
    EXPECT_TRUE(std::ranges::equal(part, std::span(whole).subspan(20, 13)));
}

TEST(LogProbabilityRow, OfABrokenPositionSaysSo) {
    for (const float bad : {std::nanf(""), kWholeRange, -kWholeRange}) {
        std::vector<float> logits = random_logits(1, 50, 3, 6);
        logits[17] = bad;
        for (const float p : decoded(encoded(logits, kWholeRange), 50)) {
            EXPECT_FALSE(std::isfinite(p)) << bad;
        }
    }
}

}  // namespace
}  // namespace bitgauge
