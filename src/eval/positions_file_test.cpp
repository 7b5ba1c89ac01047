#include "eval/positions_file.h"

#include <bit>
#include <limits>

#include <gtest/gtest.h>

#include "eval/capture.h"
#include "eval/eval_testing.h"
#include "eval/log_probability_rows.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

void expect_same_bits(const std::vector<double>& a, const std::vector<double>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(std::bit_cast<uint64_t>(a[i]), std::bit_cast<uint64_t>(b[i]));
    }
}

TEST(PositionsFile, GivesBackEveryBit) {
    const fs::path path = fresh_folder("positions") / "positions-00001.gguf";
    PositionValues values;
    values.push_back({0.1, 2.5, 2.25, true, true});
    values.push_back({-0.0, 1e-300, 1e300, false, true});
    values.push_back({std::numeric_limits<double>::quiet_NaN(),
                      -std::numeric_limits<double>::infinity(), 5e-324, false, false});
    write_positions(path, "key", values);
    EXPECT_TRUE(shard_is_good(path, shard_schema(CaptureKind::kDivergence), "key"));
    EXPECT_FALSE(shard_is_good(path, shard_schema(CaptureKind::kDivergence), "another"));
    EXPECT_FALSE(shard_is_good(path, shard_schema(CaptureKind::kStates), "key"));
    const PositionValues back = read_positions(path);
    expect_same_bits(back.kld, values.kld);
    expect_same_bits(back.nll, values.nll);
    expect_same_bits(back.nll_original, values.nll_original);
    EXPECT_EQ(back.same_top, values.same_top);
    EXPECT_EQ(back.finite, values.finite);
}

TEST(PositionsFile, RefusesAFileOfAnotherSchema) {
    const fs::path path = fresh_folder("positions_schema") / "rows.gguf";
    const std::vector<uint16_t> rows = peer_row(random_logits(1, 9, 1, 1), 16);
    write_log_probabilities(path, "key", rows, rows.size());
    const Error error = error_of([&] { read_positions(path); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(error.what(), "'" + path.string() +
                                "' cannot be used: its schema is 'bitgauge.log_probabilities/1', "
                                "not 'bitgauge.positions/1'");
}

TEST(PositionsFile, KeepsRowsOfLogProbabilities) {
    const fs::path path = fresh_folder("positions_rows") / "states-00001.gguf";
    std::vector<uint16_t> rows;
    for (unsigned seed = 1; seed <= 3; ++seed) {
        const auto row = peer_row(random_logits(1, 105, 3, seed), 16);
        rows.insert(rows.end(), row.begin(), row.end());
    }
    write_log_probabilities(path, "key", rows, log_probability_row_values(105));
    const ShardReader file(path, shard_schema(CaptureKind::kLogProbabilities));
    const auto back = file.values<uint16_t>("rows");
    EXPECT_EQ(std::vector<uint16_t>(back.begin(), back.end()), rows);
}

TEST(PositionValues, AreSetAndAppendedWhole) {
    PositionValues a;
    a.push_back({1, 2, 3, true, true});
    PositionValues b;
    b.push_back({4, 5, 6, false, false});
    a.append(b);
    a.append(b);
    a.set(0, b, 0);
    EXPECT_EQ(a.kld, (std::vector<double>{4, 4, 4}));
    EXPECT_EQ(a.nll, (std::vector<double>{5, 5, 5}));
    EXPECT_EQ(a.nll_original, (std::vector<double>{6, 6, 6}));
    EXPECT_EQ(a.same_top, (std::vector<int32_t>{0, 0, 0}));
    EXPECT_EQ(a.finite, (std::vector<int32_t>{0, 0, 0}));
}

}  // namespace
}  // namespace bitgauge
