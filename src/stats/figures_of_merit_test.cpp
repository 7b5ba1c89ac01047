#include <cmath>
#include <cstdint>
#include <rapidcheck.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/stats.h"

namespace bitgauge {
namespace {

// Published rows of Qwen3.5-35B-A3B [cmhamiche, r/LocalLLaMA 1rfds1h, 2026]: AesSedai Q4_K_M,
// AesSedai IQ4_XS, unsloth UD-Q4_K_XL (the first upload).
const std::vector<SizeAndKld> kPublished = {{20.62, 0.010214}, {16.40, 0.0240}, {18.34, 0.052439}};

TEST(EfficiencyScores, ReproduceThePublishedScoreOfAesSedaiIq4Xs) {
    // Smallest file: (0.0240 - 0.010214) / (0.052439 - 0.010214) = 0.32649
    EXPECT_NEAR(efficiency_scores(kPublished)[1], 0.327, 0.0006);
    EXPECT_NEAR(efficiency_scores(kPublished)[1], 0.013786 / 0.042225, 1e-12);
}

TEST(EfficiencyScores, OfASetOfOneAreZero) {
    EXPECT_EQ(efficiency_scores(std::vector<SizeAndKld>{{1.0, 2.0}})[0], 0.0);
    EXPECT_TRUE(efficiency_scores({}).empty());
}

TEST(EfficiencyScores, OfEqualSizesCompareKldAlone) {
    const std::vector<SizeAndKld> files = {{5, 0.1}, {5, 0.3}, {5, 0.2}};
    const auto scores = efficiency_scores(files);
    EXPECT_DOUBLE_EQ(scores[0], 0.0);
    EXPECT_DOUBLE_EQ(scores[1], 1.0);
    EXPECT_NEAR(scores[2], 0.5, 1e-12);
}

TEST(ParetoFront, HoldsTheFilesNoOtherBeats) {
    EXPECT_EQ(on_pareto_front(kPublished), (std::vector<bool>{true, true, false}));
}

TEST(ParetoFront, KeepsExactDuplicates) {
    const std::vector<SizeAndKld> files = {{1, 1}, {1, 1}, {1, 2}};
    EXPECT_EQ(on_pareto_front(files), (std::vector<bool>{true, true, false}));
}

std::vector<SizeAndKld> files_of(const std::vector<std::pair<uint8_t, uint8_t>>& pairs) {
    std::vector<SizeAndKld> files;
    for (const auto& [size, kld] : pairs) files.push_back({size / 8.0, (kld + 1) / 256.0});
    return files;
}

TEST(ParetoFront, IsBeatenByNobodyAndBeatsAllOthers) {
    const auto beats = [](const SizeAndKld& a, const SizeAndKld& b) {
        return a.size_gib <= b.size_gib && a.kld_nats <= b.kld_nats &&
               (a.size_gib < b.size_gib || a.kld_nats < b.kld_nats);
    };
    EXPECT_TRUE(rc::check([&](const std::vector<std::pair<uint8_t, uint8_t>>& pairs) {
        const auto files = files_of(pairs);
        const auto front = on_pareto_front(files);
        for (size_t i = 0; i < files.size(); ++i) {
            bool beaten_by_front = false;
            for (size_t j = 0; j < files.size(); ++j)
                beaten_by_front |= front[j] && beats(files[j], files[i]);
            RC_ASSERT(beaten_by_front != front[i]);
        }
    }));
}

TEST(ExcessOverFront, OfTheReferenceItselfIsNowhereNegative) {
    EXPECT_TRUE(rc::check([](const std::vector<std::pair<uint8_t, uint8_t>>& pairs) {
        RC_PRE(!pairs.empty());
        const auto files = files_of(pairs);
        for (double excess : excess_over_front(files, files)) RC_ASSERT(excess >= -1e-12);
    }));
}

TEST(ExcessOverFront, IsLinearInLnKldBetweenFrontFiles) {
    const std::vector<SizeAndKld> reference = {{1, 1.0}, {3, std::exp(-2.0)}};
    const std::vector<SizeAndKld> files = {{2, 1.0}, {2, std::exp(-1.0)}, {2, std::exp(-1.5)}};
    const auto excess = excess_over_front(files, reference);
    EXPECT_NEAR(excess[0], 1.0, 1e-12);
    EXPECT_NEAR(excess[1], 0.0, 1e-12);
    EXPECT_NEAR(excess[2], -0.5, 1e-12);
}

TEST(ExcessOverFront, ContinuesFlatBeyondTheEndsAndPastTheBestFile) {
    const std::vector<SizeAndKld> reference = {{1, 1.0}, {3, 0.1}, {4, 0.5}};
    const std::vector<SizeAndKld> files = {{0.5, 2.0}, {4, 0.5}, {9, 0.05}};
    const auto excess = excess_over_front(files, reference);
    EXPECT_NEAR(excess[0], std::log(2.0), 1e-12);
    EXPECT_NEAR(excess[1], std::log(5.0), 1e-12);
    EXPECT_NEAR(excess[2], std::log(0.5), 1e-12);
}

TEST(ExcessOverFront, DoesNotDependOnTheOtherFiles) {
    const std::vector<SizeAndKld> reference = {{1, 1.0}, {2, 0.5}, {3, 0.1}};
    const std::vector<SizeAndKld> two = {{1.5, 0.9}, {2.5, 7.0}}, one = {{1.5, 0.9}};
    EXPECT_EQ(excess_over_front(two, reference)[0], excess_over_front(one, reference)[0]);
}

TEST(ExcessOverFront, TakesAKldOfZeroAsOneNanonat) {
    const std::vector<SizeAndKld> reference = {{1, 1e-9}}, files = {{1, 0.0}, {1, -1e-5}};
    EXPECT_EQ(excess_over_front(files, reference), (std::vector<double>{0.0, 0.0}));
}

TEST(ExcessOverFront, WithoutAReferenceIsAnError) {
    EXPECT_THROW(excess_over_front(kPublished, {}), Error);
}

}  // namespace
}  // namespace bitgauge
