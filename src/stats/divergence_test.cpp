#include "stats/divergence.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

constexpr float kNoFloor = -std::numeric_limits<float>::infinity();

// All of one position in tiles of `tile` entries.
TokenDivergence divergence(const std::vector<float>& p, const std::vector<float>& q, size_t next,
                           size_t tile, float floor = kNoFloor,
                           ReferenceScale scale = ReferenceScale::kLogits) {
    ReferenceSums reference;
    CandidateSums candidate;
    std::vector<float> weights(tile);
    for (size_t at = 0; at < p.size(); at += tile) {
        const size_t n = std::min(tile, p.size() - at);
        const auto first = static_cast<TokenId>(at);
        const std::span l(p.data() + at, n);
        const std::span w(weights.data(), n);
        const ReferenceSums sums = reference_tile(l, first, floor, w);
        candidate.merge(candidate_tile(l, w, sums, {q.data() + at, n}, first));
        reference.merge(sums);
    }
    return finish_position(reference, candidate, p[next], q[next], scale);
}

// The definition, in double, all at once.
double brute_force_kld(const std::vector<float>& p, const std::vector<float>& q) {
    const auto lse = [](const std::vector<float>& x) {
        double sum = 0;
        for (float v : x) sum += std::exp(double{v});
        return std::log(sum);
    };
    const double lse_p = lse(p);
    const double lse_q = lse(q);
    double kld = 0;
    for (size_t i = 0; i < p.size(); ++i) {
        kld += std::exp(p[i] - lse_p) * ((p[i] - lse_p) - (q[i] - lse_q));
    }
    return kld;
}

std::vector<float> gaussian(size_t n, double scale, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<float> values(n);
    for (float& v : values) {
        double sum = -6;
        for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
        v = static_cast<float>(scale * sum);
    }
    return values;
}

TEST(Divergence, OfADistributionFromItselfIsExactlyZero) {
    const std::vector<float> logits = gaussian(1000, 3, 1);
    const TokenDivergence d = divergence(logits, logits, 7, 128);
    EXPECT_TRUE(d.finite);
    EXPECT_EQ(d.kld_nats, 0.0);
    EXPECT_EQ(d.nll_nats, d.reference_nats);
    EXPECT_TRUE(d.same_top);
}

TEST(Divergence, MatchesTheClosedFormForTwoOutcomes) {
    // P = (3/4, 1/4), Q = (1/2, 1/2): KL = 3/4 ln(3/2) + 1/4 ln(1/2) = 0.1308120
    const TokenDivergence d = divergence({std::log(3.0F), 0.0F}, {0.0F, 0.0F}, 0, 2);
    EXPECT_NEAR(d.kld_nats, 0.1308120, 1e-6);
    EXPECT_NEAR(d.nll_nats, std::log(2.0), 1e-6);
    EXPECT_NEAR(d.reference_nats, -std::log(0.75), 1e-6);
}

TEST(Divergence, EqualsTheBruteForceTwinForEveryTileSize) {
    const std::vector<float> p = gaussian(4097, 3, 2);
    std::vector<float> q = gaussian(4097, 0.1, 3);
    for (size_t i = 0; i < q.size(); ++i) q[i] += p[i];
    const double wanted = brute_force_kld(p, q);
    for (size_t tile : {1UL, 3UL, 64UL, 512UL, 4097UL}) {
        EXPECT_NEAR(divergence(p, q, 5, tile).kld_nats, wanted, 2e-7) << "tile " << tile;
    }
}

TEST(Divergence, DoesNotChangeWhenOneSideIsShifted) {
    const std::vector<float> p = gaussian(512, 2, 4);
    std::vector<float> q = p;
    for (float& v : q) v += 50;
    EXPECT_NEAR(divergence(p, q, 0, 100).kld_nats, 0.0, 1e-5);
}

TEST(Divergence, SurvivesLogitsThatUnderflow) {
    std::vector<float> p(300, -500.0F);
    p[17] = 500.0F;
    const TokenDivergence d = divergence(p, p, 17, 64);
    EXPECT_TRUE(d.finite);
    EXPECT_EQ(d.kld_nats, 0.0);
}

TEST(Divergence, TheLowestIdWinsATieAcrossTiles) {
    const std::vector<float> p = {0, 1, 0, 1};
    const std::vector<float> q = {0, 1, 0, 0};
    EXPECT_TRUE(divergence(p, q, 0, 2).same_top);
    EXPECT_FALSE(divergence(p, {0, 0, 0, 1}, 0, 2).same_top);
}

TEST(Divergence, APositionWithANanOrAnInfinityIsNotFinite) {
    const std::vector<float> good = gaussian(200, 1, 5);
    for (float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                      -std::numeric_limits<float>::infinity()}) {
        for (size_t at : {0UL, 3UL, 150UL, 199UL}) {
            std::vector<float> broken = good;
            broken[at] = bad;
            EXPECT_FALSE(divergence(good, broken, 1, 64).finite) << bad << " at " << at;
            EXPECT_FALSE(divergence(broken, good, 1, 64).finite) << bad << " at " << at;
        }
    }
}

TEST(Divergence, OfStoredLogProbabilitiesLeavesOutWhatIsBelowTheFloor) {
    // P = (e^-0.1, e^-20): the second is left out and P is not normalized again.
    const std::vector<float> p = {-0.1F, -20.0F};
    const std::vector<float> q = {0.0F, 0.0F};
    const TokenDivergence d = divergence(p, q, 1, 2, -16.0F, ReferenceScale::kLogProbabilities);
    EXPECT_NEAR(d.kld_nats, std::exp(-0.1) * (-0.1 + std::log(2.0)), 1e-6);
    EXPECT_NEAR(d.reference_nats, 20.0, 1e-6);
}

}  // namespace
}  // namespace bitgauge
