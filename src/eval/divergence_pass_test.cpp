#include "eval/divergence_pass.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include "bitgauge/qtype.h"

#include "eval/eval_testing.h"
#include "eval/log_probability_rows.h"

namespace bitgauge {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<TokenId> next_tokens(size_t rows, size_t vocabulary) {
    std::vector<TokenId> next;
    for (size_t i = 0; i < rows; ++i) {
        next.push_back(static_cast<TokenId>((i * 7919 + vocabulary - 1) % vocabulary));
    }
    return next;
}

std::vector<PositionValues> diverge_dense(const std::vector<float>& original,
                                          const std::vector<std::vector<float>>& candidates,
                                          std::span<const TokenId> next, size_t vocabulary) {
    const DenseTiles reference(original, vocabulary);
    std::vector<DenseTiles> tiles;
    for (const auto& candidate : candidates) tiles.emplace_back(candidate, vocabulary);
    std::vector<const LogitTiles*> pointers;
    for (const DenseTiles& tile : tiles) pointers.push_back(&tile);
    return diverge(reference, pointers, next, {});
}

size_t lowest_of_the_largest(std::span<const float> row) {
    return static_cast<size_t>(std::ranges::max_element(row) - row.begin());
}

// Three sums of a tile in single precision stand behind a divergence, each good to about 1e-7 of
// its value (stats/divergence_kernels.h).
constexpr double kThreeSums = 5e-7;

// The definitions, in double, position by position.
void expect_brute_force(const std::vector<float>& original, const std::vector<float>& candidate,
                        std::span<const TokenId> next, size_t vocabulary,
                        const PositionValues& got) {
    ASSERT_EQ(got.size(), next.size());
    for (size_t i = 0; i < next.size(); ++i) {
        const auto l = std::span(original).subspan(i * vocabulary, vocabulary);
        const auto m = std::span(candidate).subspan(i * vocabulary, vocabulary);
        const std::vector<double> p = log_softmax_in_double(l);
        const std::vector<double> q = log_softmax_in_double(m);
        double kld = 0;
        for (size_t v = 0; v < vocabulary; ++v) kld += std::exp(p[v]) * (p[v] - q[v]);
        const auto token = static_cast<size_t>(next[i]);
        EXPECT_EQ(got.finite[i], 1);
        EXPECT_NEAR(got.kld[i], kld, kThreeSums + 1e-6 * kld) << "position " << i;
        EXPECT_NEAR(got.nll[i], -q[token], 2e-6) << "position " << i;
        EXPECT_NEAR(got.nll_original[i], -p[token], 2e-6) << "position " << i;
        EXPECT_EQ(got.same_top[i] != 0, lowest_of_the_largest(l) == lowest_of_the_largest(m));
    }
}

struct Size {
    size_t rows, vocabulary;
};

class Diverge : public testing::TestWithParam<Size> {};

TEST_P(Diverge, EqualsTheDefinitionForEveryCandidate) {
    const auto [rows, vocabulary] = GetParam();
    const std::vector<float> original = random_logits(rows, vocabulary, 3, 1);
    const std::vector<std::vector<float>> candidates = {disturbed(original, 0.1, 2),
                                                        disturbed(original, 1, 3), original,
                                                        random_logits(rows, vocabulary, 3, 4)};
    const std::vector<TokenId> next = next_tokens(rows, vocabulary);
    const auto got = diverge_dense(original, candidates, next, vocabulary);
    ASSERT_EQ(got.size(), candidates.size());
    for (size_t c = 0; c < candidates.size(); ++c) {
        expect_brute_force(original, candidates[c], next, vocabulary, got[c]);
    }
    for (double kld : got[2].kld) EXPECT_NEAR(kld, 0, 1e-7);
}

// One entry; less than a tile; a tile and one; spans of unequal length; more rows than a block.
INSTANTIATE_TEST_SUITE_P(Sizes, Diverge,
                         testing::Values(Size{3, 1}, Size{1, 2}, Size{300, 105}, Size{130, 513},
                                         Size{40, 1000}, Size{7, 8191}, Size{3, 20011}));

TEST(Diverge, OfTwoThousandRowsAndMoreKeepsThemInOrder) {
    constexpr size_t kVocabulary = 512 * 16;  // blocks are large from here on
    constexpr size_t kRows = 2050;
    std::vector<float> original(kRows * kVocabulary);
    std::vector<float> candidate = original;
    for (size_t i = 0; i < kRows; ++i) {
        original[i * kVocabulary + i] = 1 + static_cast<float>(i) / kRows;
    }
    const std::vector<TokenId> next = next_tokens(kRows, kVocabulary);
    const auto got = diverge_dense(original, {candidate}, next, kVocabulary).front();
    const double n = kVocabulary;
    for (size_t i = 0; i < kRows; ++i) {
        const double top = original[i * kVocabulary + i];
        const double lse = std::log(n - 1 + std::exp(top));
        ASSERT_NEAR(got.kld[i], std::exp(top - lse) * top - lse + std::log(n), 1e-6) << i;
    }
}

TEST(Diverge, DoesNotDependOnTheNumberOfThreads) {
    const std::vector<float> original = random_logits(300, 9000, 3, 5);
    const std::vector<float> candidate = disturbed(original, 0.3, 6);
    const std::vector<TokenId> next = next_tokens(300, 9000);
    const auto free = diverge_dense(original, {candidate}, next, 9000).front();
    const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
    const auto alone = diverge_dense(original, {candidate}, next, 9000).front();
    EXPECT_EQ(alone.kld, free.kld);
    EXPECT_EQ(alone.nll, free.nll);
    EXPECT_EQ(alone.nll_original, free.nll_original);
}

TEST(Diverge, ABrokenRowSpoilsNoOther) {
    constexpr size_t kVocabulary = 1300;
    const std::vector<float> original = random_logits(12, kVocabulary, 3, 7);
    const std::vector<float> good = disturbed(original, 0.2, 8);
    const std::vector<TokenId> next = next_tokens(12, kVocabulary);
    const auto wanted = diverge_dense(original, {good}, next, kVocabulary).front();
    const float bads[] = {std::nanf(""), kInfinity, -kInfinity};
    for (size_t k = 0; k < 9; ++k) {
        const size_t row = k + 1;
        const size_t entry = (k % 3) * 600 + 50;
        std::vector<float> bad = good;
        bad[row * kVocabulary + entry] = bads[k / 3];
        std::vector<float> bad_original = original;
        bad_original[row * kVocabulary + entry] = bads[k / 3];
        const auto got = diverge_dense(original, {bad, good}, next, kVocabulary);
        const auto twin = diverge_dense(bad_original, {good}, next, kVocabulary).front();
        for (size_t i = 0; i < 12; ++i) {
            EXPECT_EQ(got[0].finite[i], i != row) << bads[k / 3];
            EXPECT_EQ(twin.finite[i], i != row) << bads[k / 3];
            if (i == row) continue;
            EXPECT_EQ(got[0].kld[i], wanted.kld[i]);
            EXPECT_EQ(twin.kld[i], wanted.kld[i]);
        }
        EXPECT_EQ(got[1].kld, wanted.kld);
        EXPECT_EQ(got[1].finite, wanted.finite);
    }
}

TEST(Diverge, TheLowestTokenWinsATieWhereverItsTileIs) {
    constexpr size_t kVocabulary = 9000;
    for (const size_t second : {10UL, 511UL, 512UL, 5000UL, 8999UL}) {
        std::vector<float> original(kVocabulary);
        std::vector<float> candidate(kVocabulary);
        original[9] = original[second] = 2;
        candidate[second] = 3;
        const std::vector<TokenId> next = {0};
        EXPECT_EQ(diverge_dense(original, {candidate}, next, kVocabulary)[0].same_top[0], 0);
        candidate[9] = 3;
        EXPECT_EQ(diverge_dense(original, {candidate}, next, kVocabulary)[0].same_top[0], 1);
    }
}

TEST(Diverge, OfNoRowsIsEmpty) {
    EXPECT_EQ(diverge_dense({}, {{}}, {}, 100).front().size(), 0U);
}

// What llama-perplexity computes from a stored row (log_softmax() that accumulates), in double.
double peer_kld(std::span<const uint16_t> row, std::span<const float> logits) {
    const std::vector<double> q = log_softmax_in_double(logits);
    std::vector<float> p(logits.size());
    decode_log_probabilities(row, 0, p);
    double sum = 0;
    for (size_t v = 0; v < p.size(); ++v) {
        if (p[v] > -16) sum += std::exp(double{p[v]}) * (p[v] - q[v]);
    }
    return sum;
}

TEST(Diverge, FromStoredRowsIsWhatThePeerComputes) {
    constexpr size_t kVocabulary = 2001;
    const std::vector<float> original = random_logits(20, kVocabulary, 5, 9);
    const std::vector<float> candidate = disturbed(original, 0.2, 10);
    std::vector<uint16_t> rows;
    for (size_t i = 0; i < 20; ++i) {
        const auto row = peer_row(std::span(original).subspan(i * kVocabulary, kVocabulary), 24);
        rows.insert(rows.end(), row.begin(), row.end());
    }
    const StoredTiles stored(rows, kVocabulary);
    const DenseTiles tiles(candidate, kVocabulary);
    const LogitTiles* const candidates[] = {&tiles};
    const std::vector<TokenId> next = next_tokens(20, kVocabulary);
    const auto got =
        diverge(stored, candidates, next, {ReferenceScale::kLogProbabilities, -16}).front();
    const size_t values = log_probability_row_values(kVocabulary);
    for (size_t i = 0; i < 20; ++i) {
        const auto row = std::span(rows).subspan(i * values, values);
        const auto logits = std::span(candidate).subspan(i * kVocabulary, kVocabulary);
        EXPECT_NEAR(got.kld[i], peer_kld(row, logits), 3e-6);
        std::vector<float> p(1);
        decode_log_probabilities(row, static_cast<size_t>(next[i]), p);
        EXPECT_EQ(got.nll_original[i], -p[0]);
    }
}

TEST(Diverge, FromStatesAndHeadIsThatOfTheirLogits) {
    constexpr size_t kVocabulary = 700;
    const std::vector<float> weights = random_logits(kVocabulary, 64, 0.3, 11);
    const Head head(find_type("f32")->id, kVocabulary, 64, std::as_bytes(std::span(weights)), {});
    const std::vector<float> states = random_logits(150, 64, 1, 12);
    const std::vector<float> moved = disturbed(states, 0.05, 13);
    std::vector<float> original(150 * kVocabulary), candidate(150 * kVocabulary), scratch;
    head.logits(states, 150, 0, kVocabulary, original, scratch);
    head.logits(moved, 150, 0, kVocabulary, candidate, scratch);
    const HeadTiles reference(head, states);
    const HeadTiles tiles(head, moved);
    const LogitTiles* const candidates[] = {&tiles};
    const std::vector<TokenId> next = next_tokens(150, kVocabulary);
    expect_brute_force(original, candidate, next, kVocabulary,
                       diverge(reference, candidates, next, {}).front());
}

}  // namespace
}  // namespace bitgauge
