#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/accuracy.h"
#include "bitgauge/error.h"
#include "bitgauge/report.h"

#include "base/json.h"
#include "report/example_records.h"

namespace bitgauge {
namespace {

DriftRecord drift_of(const MeasureRecord& measured, const std::vector<uint32_t>& same_tokens) {
    DriftRecord drift;
    drift.model = measured.model;
    drift.baseline_key = measured.baseline.key;
    drift.created_utc = "2026-11-21T12:00:00Z";
    drift.beginnings_key = "beginnings";
    drift.prompt_tokens = 16;
    drift.tokens = 64;
    drift.clusters = static_cast<uint32_t>(same_tokens.size());
    for (uint32_t i = 0; i < drift.clusters; ++i) {
        drift.beginnings.stratum.push_back(0);
        drift.beginnings.cluster.push_back(i);
    }
    drift.beginnings.same_tokens = same_tokens;
    drift.floor_same_tokens = {64, 64};
    return drift;
}

std::vector<Leaderboard> boards_with(const std::vector<DriftRecord>& drifts) {
    auto boards = build_leaderboards(example_records());
    add_drifts(boards, drifts);
    return boards;
}

TEST(AddDrifts, SetsShareAndMedianOfTheFileWithThisContent) {
    const auto measured = example_records();
    const auto boards = boards_with({drift_of(measured[2], {64, 32, 31, 7})});
    const LeaderboardRow& row = boards[0].rows[2];
    ASSERT_EQ(row.record.model.content_hash, measured[2].model.content_hash);
    EXPECT_EQ(row.same_text.value, 0.5);
    EXPECT_EQ(row.median_same_tokens, 31.5);
    EXPECT_TRUE(std::isnan(boards[0].rows[0].same_text.value));
    EXPECT_EQ(boards[0].drift_token, 32U);
    EXPECT_EQ(boards[0].drift_floor.value, 1);
    EXPECT_EQ(boards[0].drift_of,
              "greedy continuations of 4 beginnings of 16 tokens, 64 tokens each");
}

TEST(AddDrifts, ComparesOneSetOfBeginningsTheNewest) {
    const auto measured = example_records();
    DriftRecord other = drift_of(measured[1], {64, 64});
    other.beginnings_key = "others";
    DriftRecord newest = drift_of(measured[0], {64, 1});
    newest.created_utc = "2026-11-22T12:00:00Z";
    const auto boards = boards_with({other, newest});
    EXPECT_EQ(boards[0].rows[0].same_text.value, 0.5);
    EXPECT_TRUE(std::isnan(boards[0].rows[1].same_text.value));
}

TEST(AddDrifts, LeavesOtherBaselinesAlone) {
    DriftRecord other = drift_of(example_records()[0], {64});
    other.baseline_key = "another";
    EXPECT_EQ(boards_with({other})[0].drift_of, "");
}

TEST(AddDrifts, RefusesPartsThatDoNotFit) {
    DriftRecord damaged = drift_of(example_records()[0], {64, 2});
    damaged.beginnings.cluster = {0, 2};
    EXPECT_THROW(boards_with({damaged}), Error);
    damaged.beginnings.cluster = {0};
    EXPECT_THROW(boards_with({damaged}), Error);
}

TEST(AddDrifts, IsAColumnWhereSomethingIsRecorded) {
    const auto measured = example_records();
    Report report{boards_with({drift_of(measured[0], {64, 64, 64, 64})}), {}};
    const std::string wide = terminal_table(report, {.wide = true});
    EXPECT_NE(wide.find("same to 32"), std::string::npos);
    EXPECT_NE(wide.find("first different"), std::string::npos);
    EXPECT_NE(wide.find("(65 where half never differ)"), std::string::npos);
    EXPECT_EQ(terminal_table(report).find("same to 32"), std::string::npos);
    EXPECT_NE(csv(report).find("same_text_share,"), std::string::npos);
    const Json row = Json::parse(json(report))["leaderboards"][0]["rows"][0];
    EXPECT_EQ(row["same_text_share"]["value"], 1);
    report.leaderboards = build_leaderboards(measured);
    EXPECT_EQ(csv(report).find("same_text"), std::string::npos);
    EXPECT_EQ(terminal_table(report, {.wide = true}).find("same to 32"), std::string::npos);
}

}  // namespace
}  // namespace bitgauge
