// Whether intervals hold the truth as often as they say, on corpora with known truth: 2,000 small
// ones each, two-sided bounds. bench/coverage prints the whole table.

#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/stats.h"

#include "stats/simulation.h"

namespace bitgauge {
namespace {

constexpr uint64_t kTrials = 2000;

struct SmallTable {
    stats::Coverage kld, ppl_ratio, rms, difference, ratio, as_independent;
};

const SmallTable& table_of_60_short_documents() {
    static const SmallTable table = [] {
        SmallTable t;
        const stats::CorpusModel model{.documents = 60, .icc = 0.1, .median_length = 60};
        const double difference = model.kld_nats * (1 - model.b_over_a);
        for (uint64_t trial = 0; trial < kTrials; ++trial) {
            const auto corpus = stats::simulate_corpus(model, trial);
            t.kld.add(clustered_mean(corpus.kld_a, corpus.counts), model.kld_nats);
            t.ppl_ratio.add(clustered_exp_mean(corpus.ln_ratio, corpus.counts),
                            std::exp(model.ln_ppl_ratio));
            t.rms.add(clustered_root_mean(corpus.kld_a, corpus.counts), std::sqrt(model.kld_nats));
            const auto paired = compare_paired(corpus.kld_a, corpus.kld_b, corpus.counts);
            t.difference.add(paired.difference, difference);
            t.ratio.add(paired.ratio, 1 / model.b_over_a);
            t.as_independent.add(stats::tokens_as_independent(corpus.values), model.kld_nats);
        }
        return t;
    }();
    return table;
}

void expect_nominal(const stats::Coverage& coverage) {
    EXPECT_GE(coverage.share(), 0.93);
    EXPECT_LE(coverage.share(), 0.97);
}

TEST(Coverage, OfTheMeanDivergenceIsNominal) {
    expect_nominal(table_of_60_short_documents().kld);
}

TEST(Coverage, OfThePerplexityRatioIsNominal) {
    expect_nominal(table_of_60_short_documents().ppl_ratio);
}

TEST(Coverage, OfARootMeanSquareIsNominal) {
    expect_nominal(table_of_60_short_documents().rms);
}

TEST(Coverage, OfAPairedDifferenceIsNominal) {
    expect_nominal(table_of_60_short_documents().difference);
}

TEST(Coverage, OfAPairedRatioIsNominal) {
    expect_nominal(table_of_60_short_documents().ratio);
}

TEST(Coverage, OfTokensTakenAsIndependentIsFarBelow) {
    EXPECT_LT(table_of_60_short_documents().as_independent.share(), 0.6);
}

TEST(Coverage, OfTwentyDocumentsIsStillNine10ths) {
    const stats::CorpusModel model{.documents = 20, .icc = 0.2, .median_length = 60};
    stats::Coverage coverage;
    for (uint64_t trial = 0; trial < kTrials; ++trial) {
        const auto corpus = stats::simulate_corpus(model, trial);
        coverage.add(clustered_mean(corpus.kld_a, corpus.counts), model.kld_nats);
    }
    EXPECT_GE(coverage.share(), 0.90);
    EXPECT_LE(coverage.share(), 0.97);
}

TEST(Coverage, OfAMedianIsNominal) {
    const stats::CorpusModel model{.documents = 60, .icc = 0.1, .median_length = 30};
    const std::array<double, 1> half = {0.5};
    const double truth = stats::true_quantile(model, 0.5);
    stats::Coverage coverage;
    for (uint64_t trial = 0; trial < kTrials; ++trial) {
        const auto corpus = stats::simulate_corpus(model, trial);
        coverage.add(clustered_quantiles(corpus.values, corpus.cluster, model.documents, half)[0],
                     truth);
    }
    expect_nominal(coverage);
}

struct SequentialShares {
    double wrong = 0, rank_too_high = 0, settled = 0, read = 0;
};

SequentialShares sequential_shares(const stats::RankingModel& model) {
    SequentialShares shares;
    for (uint64_t trial = 0; trial < kTrials; ++trial) {
        const auto run = stats::run_sequential(stats::simulate_candidates(model, trial),
                                               model.means, SequentialPlan{});
        shares.wrong += run.any_wrong_order;
        shares.rank_too_high += run.any_rank_too_high;
        shares.settled += run.settled;
        shares.read += run.share_read;
    }
    for (double* share : {&shares.wrong, &shares.rank_too_high, &shares.settled, &shares.read})
        *share /= kTrials;
    return shares;
}

TEST(SequentialRanking, OfEqualFilesInventsAnOrderInAtMostAlphaOfTheRuns) {
    const auto shares = sequential_shares({.means = {1, 1, 1}, .documents = 100});
    EXPECT_LE(shares.wrong, 0.05);
    EXPECT_LE(shares.rank_too_high, shares.wrong);
}

TEST(SequentialRanking, OfNearTiesIsWrongInAtMostAlphaOfTheRuns) {
    const auto shares = sequential_shares({.means = {1, 1.01, 1.02}, .documents = 100});
    EXPECT_LE(shares.wrong, 0.05);
    EXPECT_LE(shares.rank_too_high, shares.wrong);
}

TEST(SequentialRanking, OfWellSeparatedFilesStopsEarlyWithTheTrueRanks) {
    const stats::RankingModel model{.means = {1, 1.5, 2.2, 3.3, 5}};
    const auto shares = sequential_shares(model);
    EXPECT_GE(shares.settled, 0.99);
    EXPECT_LE(shares.read, 0.5);
    EXPECT_LE(shares.wrong, 0.001);
}

}  // namespace
}  // namespace bitgauge
