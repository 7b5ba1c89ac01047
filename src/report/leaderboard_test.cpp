#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/report.h"

#include "base/units.h"

namespace bitgauge {
namespace {

// A file whose KLD per document is `per_document`, 100 positions each.
MeasureRecord measured(const std::string& label, double gib,
                       const std::vector<double>& per_document) {
    MeasureRecord record;
    record.key = label;
    record.baseline.key = "b";
    record.model.file = "m-" + label + ".gguf";
    record.model.size_bytes = static_cast<uint64_t>(gib * kGiB);
    double sum = 0;
    for (const double kld : per_document) {
        record.clusters.tokens.push_back(100);
        record.clusters.kld_sum.push_back(100 * kld);
        sum += kld;
    }
    record.kld_nats.mean.value = sum / static_cast<double>(per_document.size());
    return record;
}

// 30 documents around `level`, the same documents being hard for every file; `wobble` is the file's
// own deviation, as a share.
std::vector<double> documents(double level, double wobble = 0.02) {
    std::vector<double> klds;
    for (int i = 0; i < 30; ++i) {
        const double shared = 1 + 0.5 * std::sin(i), own = 1 + wobble * std::cos(1.7 * i);
        klds.push_back(level * shared * own);
    }
    return klds;
}

std::vector<std::string> names_of(const Leaderboard& board) {
    std::vector<std::string> names;
    for (const LeaderboardRow& row : board.rows) names.push_back(row.name);
    return names;
}

std::vector<int> ranks_of(const Leaderboard& board) {
    std::vector<int> ranks;
    for (const LeaderboardRow& row : board.rows) ranks.push_back(row.rank);
    return ranks;
}

using Names = std::vector<std::string>;
using Ranks = std::vector<int>;

TEST(Leaderboard, LowestDivergenceFirst) {
    const auto board = build_leaderboard(std::vector{measured("C", 1, documents(0.04)),
                                                     measured("A", 3, documents(0.01)),
                                                     measured("B", 2, documents(0.02))});
    EXPECT_EQ(names_of(board), (Names{"A", "B", "C"}));
    EXPECT_EQ(ranks_of(board), (Ranks{1, 2, 3}));
    EXPECT_EQ(board.shared_clusters, 30u);
}

TEST(Leaderboard, FilesThatPairingCannotTellApartShareARank) {
    const auto board = build_leaderboard(std::vector{measured("A", 3, documents(0.0100, 0.3)),
                                                     measured("B", 2, documents(0.0101, -0.3)),
                                                     measured("C", 1, documents(0.04))});
    EXPECT_EQ(ranks_of(board), (Ranks{1, 1, 3}));
    EXPECT_TRUE(board.rows[0].shares_rank);
    EXPECT_TRUE(board.rows[1].shares_rank);
    EXPECT_FALSE(board.rows[2].shares_rank);
}

TEST(Leaderboard, ADifferenceBelowTheFloorDecidesNothing) {
    std::vector records = {measured("A", 3, documents(0.0100)), measured("B", 2, documents(0.0110)),
                           measured("C", 1, documents(0.0400))};
    EXPECT_EQ(ranks_of(build_leaderboard(records)), (Ranks{1, 2, 3}));
    records[1].noise_floor_nats = 0.002;
    const auto board = build_leaderboard(records);
    EXPECT_EQ(ranks_of(board), (Ranks{1, 1, 3}));
    EXPECT_EQ(board.noise_floor_nats, 0.002);
}

TEST(Leaderboard, FilesStoppedEarlyAreComparedOnWhatAllSaw) {
    const auto half = [](std::vector<double> klds) {
        klds.resize(15);
        return klds;
    };
    const auto board = build_leaderboard(
        std::vector{measured("A", 3, half(documents(0.01))), measured("B", 2, documents(0.02))});
    EXPECT_EQ(board.shared_clusters, 15u);
    EXPECT_EQ(ranks_of(board), (Ranks{1, 2}));
}

TEST(Leaderboard, PositionsLeftOutDoNotBiasThePairing) {
    auto damaged = measured("A", 3, documents(0.01));
    damaged.clusters.tokens[4] = 50;  // half of a document's positions were not finite
    damaged.clusters.kld_sum[4] /= 2;
    const auto board = build_leaderboard(std::vector{damaged, measured("B", 2, documents(0.01))});
    EXPECT_EQ(ranks_of(board), (Ranks{1, 1}));
}

TEST(Leaderboard, AFileWithoutAFiniteDivergenceIsLastAndHasNoRank) {
    auto broken = measured("broken", 1, documents(0.01));
    broken.kld_nats.mean = {};
    const auto board = build_leaderboard(std::vector{broken, measured("A", 3, documents(0.01))});
    EXPECT_EQ(names_of(board), (Names{"A", "broken"}));
    EXPECT_EQ(ranks_of(board), (Ranks{1, 0}));
    EXPECT_TRUE(std::isnan(board.rows[1].efficiency_score));
    EXPECT_FALSE(board.rows[1].on_front);
}

TEST(Leaderboard, NothingButBrokenFilesIsStillATable) {
    auto broken = measured("broken", 1, documents(0.01));
    broken.kld_nats.mean = {};
    const Report report{{build_leaderboard(std::vector{broken})}, {}};
    EXPECT_NE(terminal_table(report).find("–"), std::string::npos);
    EXPECT_FALSE(html_page(report).empty());
}

TEST(Leaderboard, FrontAndExcessAreThoseOfTheFilesUnlessAReferenceIsGiven) {
    const std::vector records = {measured("small", 1, documents(0.10)),
                                 measured("beaten", 2, documents(0.05)),
                                 measured("large", 2, documents(0.01))};
    const auto own = build_leaderboard(records);
    EXPECT_EQ(names_of(own), (Names{"large", "beaten", "small"}));
    EXPECT_TRUE(own.rows[0].on_front);
    EXPECT_FALSE(own.rows[1].on_front);
    EXPECT_NEAR(own.rows[1].excess_over_front_ln, std::log(5), 1e-3);
    EXPECT_EQ(own.front.size(), 2u);
    EXPECT_EQ(own.reference_name, "these files");

    LeaderboardOptions options;
    options.reference_front = {{1, 0.05}, {2, 0.005}};
    options.reference_name = "the published files";
    const auto published = build_leaderboard(records, options);
    EXPECT_NEAR(published.rows[0].excess_over_front_ln, std::log(2), 0.05);
    EXPECT_EQ(published.reference_name, "the published files");
}

TEST(Leaderboard, SeveralBaselinesAreRefusedAndGroupedOnRequest) {
    auto other = measured("X", 1, documents(0.01));
    other.baseline.key = "another";
    const std::vector records = {measured("A", 1, documents(0.01)), other,
                                 measured("B", 2, documents(0.02))};
    try {
        build_leaderboard(records);
        FAIL() << "records of two baselines were compared";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(std::string(error.what()).find("another"), std::string::npos);
    }
    const auto boards = build_leaderboards(records);
    ASSERT_EQ(boards.size(), 2u);
    EXPECT_EQ(names_of(boards[0]), (Names{"A", "B"}));
    EXPECT_EQ(boards[1].rows.size(), 1u);
}

TEST(Leaderboard, RecordsWithoutDocumentsAreOrderedByTheirMeans) {
    auto a = measured("A", 1, documents(0.02)), b = measured("B", 2, documents(0.01));
    a.clusters = b.clusters = {};
    EXPECT_EQ(ranks_of(build_leaderboard(std::vector{a, b})), (Ranks{1, 2}));
}

}  // namespace
}  // namespace bitgauge
