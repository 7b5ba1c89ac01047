#include "eval/summary.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Window window(size_t length, uint32_t first_scored, uint32_t cluster, uint32_t stratum) {
    return {.tokens = std::vector<TokenId>(length, 1),
            .first_scored = first_scored,
            .cluster = cluster,
            .stratum = stratum};
}

// Three documents of two strata: 7 + 7, 5 and 100 scored positions.
Windows three_documents() {
    Windows windows;
    windows.windows = {window(10, 2, 0, 0), window(10, 2, 0, 0), window(9, 3, 1, 1),
                       window(120, 19, 2, 0)};
    windows.strata = {"prose", "code"};
    windows.n_clusters = 3;
    windows.cluster_unit = "document";
    return windows;
}

PositionValues values_for(size_t n) {
    PositionValues values;
    for (size_t i = 0; i < n; ++i) {
        const auto x = static_cast<double>(i);
        values.push_back({.kld_nats = 1e-3 * (1 + i % 9),
                          .nll_nats = 2 + std::sin(x) + 0.01,
                          .reference_nats = 2 + std::sin(x),
                          .same_top = i % 4 != 0,
                          .finite = true});
    }
    return values;
}

void break_position(PositionValues& values, size_t i) {
    values.kld[i] = values.nll[i] = kNan;
    values.finite[i] = 0;
}

struct Fixture {
    Windows windows = three_documents();
    PositionPlaces places;
    PositionValues values;
    MeasureRecord record;

    Fixture() {
        append_places(windows, 0, windows.windows.size(), places);
        values = values_for(places.cluster.size());
        record.protocol.window_tokens = 120;
    }
    void summarize() { bitgauge::summarize(values, places, windows, record); }
    // The mean over finite positions, as a schoolchild takes it.
    template <class Figure>
    double plain_mean(Figure figure) const {
        double sum = 0;
        double n = 0;
        for (size_t i = 0; i < values.size(); ++i) {
            if (values.finite[i] == 0) continue;
            sum += figure(i);
            ++n;
        }
        return sum / n;
    }
    double delta_p(size_t i) const {
        return std::exp(-values.nll[i]) - std::exp(-values.nll_original[i]);
    }
};

TEST(Places, AreThoseOfTheScoredPositions) {
    const Fixture f;
    ASSERT_EQ(f.places.cluster.size(), f.windows.scored_positions());
    ASSERT_EQ(f.places.cluster.size(), 119U);
    EXPECT_EQ(f.places.position[0], 2U);
    EXPECT_EQ(f.places.position[6], 8U);
    EXPECT_EQ(f.places.position[7], 2U);
    EXPECT_EQ(f.places.cluster[14], 1U);
    EXPECT_EQ(f.places.stratum[14], 1U);
    EXPECT_EQ(f.places.position.back(), 118U);
}

TEST(Places, OfAPartBeginWhereItBegins) {
    const Windows windows = three_documents();
    PositionPlaces places;
    append_places(windows, 2, 3, places);
    EXPECT_EQ(places.cluster, (std::vector<uint32_t>(5, 1)));
    EXPECT_EQ(places.position, (std::vector<uint32_t>{3, 4, 5, 6, 7}));
}

void expect_plain_means(const Fixture& f) {
    const MeasureRecord& r = f.record;
    EXPECT_NEAR(r.kld_nats.mean.value, f.plain_mean([&](size_t i) { return f.values.kld[i]; }),
                1e-12);
    const double nll = f.plain_mean([&](size_t i) { return f.values.nll[i]; });
    const double base = f.plain_mean([&](size_t i) { return f.values.nll_original[i]; });
    EXPECT_NEAR(r.ppl.value, std::exp(nll), 1e-9);
    EXPECT_NEAR(r.ppl_original, std::exp(base), 1e-9);
    EXPECT_NEAR(r.ln_ppl_ratio.value, nll - base, 1e-12);
    EXPECT_NEAR(r.ppl_ratio.value, std::exp(nll - base), 1e-12);
    EXPECT_NEAR(r.same_top.value, f.plain_mean([&](size_t i) { return f.values.same_top[i]; }),
                1e-12);
    EXPECT_NEAR(r.mean_delta_p.value, f.plain_mean([&](size_t i) { return f.delta_p(i); }), 1e-12);
    EXPECT_NEAR(r.rms_delta_p.value,
                std::sqrt(f.plain_mean([&](size_t i) { return f.delta_p(i) * f.delta_p(i); })),
                1e-12);
}

TEST(Summary, HoldsPlainMeans) {
    Fixture f;
    f.summarize();
    EXPECT_EQ(f.record.scored_positions, 119U);
    EXPECT_EQ(f.record.nonfinite_positions, 0U);
    expect_plain_means(f);
    EXPECT_FLOAT_EQ(static_cast<float>(f.record.kld_nats.maximum), 9e-3F);
    EXPECT_FLOAT_EQ(static_cast<float>(f.record.kld_nats.median.value), 5e-3F);
}

TEST(Summary, CountsBrokenPositionsAndLeavesThemOut) {
    Fixture f;
    for (const size_t i : {0UL, 15UL, 60UL, 118UL}) break_position(f.values, i);
    f.summarize();
    EXPECT_EQ(f.record.scored_positions, 115U);
    EXPECT_EQ(f.record.nonfinite_positions, 4U);
    expect_plain_means(f);
    EXPECT_EQ(f.record.clusters.tokens, (std::vector<double>{13, 4, 98}));
    for (double sum : f.record.clusters.kld_sum) EXPECT_TRUE(std::isfinite(sum));
}

TEST(Summary, OfADocumentThatIsAllBrokenGoesOnWithoutIt) {
    Fixture f;
    for (size_t i = 14; i < 19; ++i) break_position(f.values, i);
    f.summarize();
    EXPECT_EQ(f.record.nonfinite_positions, 5U);
    expect_plain_means(f);
    ASSERT_EQ(f.record.strata.size(), 1U);
    EXPECT_EQ(f.record.strata[0].name, "prose");
    EXPECT_TRUE(f.record.kld_nats.mean.has_interval());
}

TEST(Summary, OfNothingButBrokenPositionsIsCounted) {
    Fixture f;
    for (size_t i = 0; i < f.values.size(); ++i) break_position(f.values, i);
    f.summarize();
    EXPECT_EQ(f.record.scored_positions, 0U);
    EXPECT_EQ(f.record.nonfinite_positions, 119U);
    EXPECT_TRUE(std::isnan(f.record.kld_nats.mean.value));
    EXPECT_EQ(f.record.clusters.tokens, (std::vector<double>{0, 0, 0}));
}

TEST(Summary, IsSplitByStratum) {
    Fixture f;
    f.summarize();
    ASSERT_EQ(f.record.strata.size(), 2U);
    EXPECT_EQ(f.record.strata[0].name, "prose");
    EXPECT_EQ(f.record.strata[0].scored_tokens, 114U);
    EXPECT_EQ(f.record.strata[0].documents, 2U);
    EXPECT_EQ(f.record.strata[1].scored_tokens, 5U);
    EXPECT_EQ(f.record.strata[1].documents, 1U);
    double sum = 0;
    for (size_t i = 14; i < 19; ++i) sum += f.values.kld[i];
    EXPECT_NEAR(f.record.strata[1].kld_nats.value, sum / 5, 1e-12);
    EXPECT_FALSE(f.record.strata[1].kld_nats.has_interval());
}

TEST(Summary, IsSplitByPositionWithoutLosingAny) {
    Fixture f;
    f.summarize();
    ASSERT_EQ(f.record.by_position.size(), 2U);
    EXPECT_EQ(f.record.by_position[0].first, 0U);
    EXPECT_EQ(f.record.by_position[0].last, 63U);
    EXPECT_EQ(f.record.by_position[0].scored_tokens, 7U + 7 + 5 + 45);
    EXPECT_EQ(f.record.by_position[1].last, 119U);
    EXPECT_EQ(f.record.by_position[1].scored_tokens, 55U);
    double sum = 0;
    for (const PositionBucket& b : f.record.by_position) {
        sum += b.kld_nats * static_cast<double>(b.scored_tokens);
    }
    EXPECT_NEAR(sum / 119, f.record.kld_nats.mean.value, 1e-12);
}

TEST(Summary, CountsEveryPositionInTheHistogramOnce) {
    Fixture f;
    f.values.kld[0] = 0;
    f.values.kld[1] = -1e-9;
    f.values.kld[2] = 1e5;
    break_position(f.values, 3);
    f.summarize();
    const LogHistogram& h = f.record.histogram;
    ASSERT_EQ(h.log10_edges.size(), h.counts.size() + 1);
    EXPECT_EQ(std::accumulate(h.counts.begin(), h.counts.end(), uint64_t{0}), 118U);
    EXPECT_EQ(h.counts.front(), 2U);
    EXPECT_EQ(h.counts.back(), 1U);
    EXPECT_EQ(h.log10_edges.front(), -8);
    EXPECT_EQ(h.log10_edges.back(), 2);
}

TEST(Summary, HasThePeersFiguresUnderThePeersProtocolAlone) {
    Fixture f;
    f.record.protocol.name = "documents";
    f.summarize();
    EXPECT_TRUE(f.record.peer_statistics.empty());
    f.record.protocol.name = "llama-perplexity";
    f.summarize();
    EXPECT_NEAR(f.record.peer_statistics.at("Mean KLD"), f.record.kld_nats.mean.value, 1e-12);
}

TEST(ClusterSeries, SumsEachClustersPositions) {
    Fixture f;
    break_position(f.values, 2);
    const ClusterSeries series = cluster_series(f.values, f.places, f.windows);
    EXPECT_EQ(series.tokens, (std::vector<double>{13, 5, 100}));
    EXPECT_EQ(series.stratum, (std::vector<uint32_t>{0, 1, 0}));
    double kld = 0;
    double nll = 0;
    for (size_t i = 14; i < 19; ++i) {
        kld += f.values.kld[i];
        nll += f.values.nll[i];
    }
    EXPECT_DOUBLE_EQ(series.kld_sum[1], kld);
    EXPECT_DOUBLE_EQ(series.nll_sum[1], nll);
}

}  // namespace
}  // namespace bitgauge
