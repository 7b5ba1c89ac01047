// Shards on disk: what is written comes back, and no damage is ever read as if it were data.

#include "eval/shard_file.h"

#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "base/files.h"
#include "eval/baseline_folder.h"
#include "eval/capture.h"
#include "eval/eval_testing.h"
#include "eval/log_probability_rows.h"
#include "eval/positions_file.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

void write_plain(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Windows two_windows() {
    Windows windows;
    windows.windows = {{.tokens = {1, 2, 3, 4}, .first_scored = 1, .cluster = 0, .stratum = 1},
                       {.tokens = {5, 6, 7}, .first_scored = 0, .cluster = 1, .stratum = 0}};
    windows.strata = {"code", "prose"};
    windows.n_clusters = 2;
    windows.cluster_unit = "document";
    return windows;
}

TEST(WindowsFile, ComesBackWhole) {
    const fs::path path = fresh_folder("windows") / "windows.gguf";
    write_windows(path, two_windows());
    const Windows back = read_windows(path);
    EXPECT_EQ(back.strata, (std::vector<std::string>{"code", "prose"}));
    EXPECT_EQ(back.cluster_unit, "document");
    EXPECT_EQ(back.n_clusters, 2U);
    ASSERT_EQ(back.windows.size(), 2U);
    EXPECT_EQ(back.windows[0].tokens, (std::vector<TokenId>{1, 2, 3, 4}));
    EXPECT_EQ(back.windows[1].tokens, (std::vector<TokenId>{5, 6, 7}));
    EXPECT_EQ(back.windows[0].first_scored, 1U);
    EXPECT_EQ(back.windows[0].stratum, 1U);
    EXPECT_EQ(back.windows[1].cluster, 1U);
}

// Columns that no writer of ours makes, with a checksum that holds.
TEST(WindowsFile, RefusesNumbersThatMeanNothing) {
    const fs::path path = fresh_folder("windows_odd") / "windows.gguf";
    const auto refused = [&](std::vector<int32_t> length, std::vector<int32_t> first,
                             std::vector<int32_t> cluster, std::vector<int32_t> stratum) {
        const std::vector<int32_t> tokens = {1, 2, 3};
        ShardWriter file(kWindowsSchema);
        file.writer().set_texts("bitgauge.strata", std::vector<std::string>{"all"});
        file.writer().set_u32("bitgauge.clusters", 1);
        file.add_integers("tokens", tokens);
        file.add_integers("length", length);
        file.add_integers("first_scored", first);
        file.add_integers("cluster", cluster);
        file.add_integers("stratum", stratum);
        file.write(path);
        return error_of([&] { read_windows(path); }).kind() == ErrorKind::kInput;
    };
    EXPECT_TRUE(refused({4}, {0}, {0}, {0}));
    EXPECT_TRUE(refused({2}, {0}, {0}, {0}));
    EXPECT_TRUE(refused({4, -1}, {0, 0}, {0, 0}, {0, 0}));
    EXPECT_TRUE(refused({3}, {-1}, {0}, {0}));
    EXPECT_TRUE(refused({3}, {0}, {1}, {0}));
    EXPECT_TRUE(refused({3}, {0}, {0}, {1}));
    EXPECT_TRUE(refused({3}, {0}, {0, 0}, {0}));
}

// One kind of shard: how to write it, and how to read all of it.
struct Kind {
    const char* name;
    const char* schema;
    void (*write)(const fs::path&);
    void (*read)(const fs::path&);
};

void write_some_positions(const fs::path& path) {
    PositionValues values;
    for (int i = 0; i < 9; ++i) values.push_back({0.1 * i, 1.0 * i, 2.0 * i, i % 2 == 0, true});
    write_positions(path, "key", values);
}

void write_some_rows(const fs::path& path) {
    const std::vector<uint16_t> row = peer_row(random_logits(1, 105, 3, 1), 16);
    write_log_probabilities(path, "key", row, row.size());
}

void write_some_states(const fs::path& path) {
    const std::vector<float> states = waves(5 * 12);
    const std::vector<uint64_t> shape = {12, 5};
    ShardWriter file(shard_schema(CaptureKind::kStates), "key");
    file.add_bytes("states", ggml_type_of(StatePrecision::kF32), shape,
                   std::as_bytes(std::span(states)));
    file.write(path);
}

void read_all_states(const fs::path& path) {
    const StatesShard shard(path, StatePrecision::kF32, 12);
    std::vector<float> states(shard.positions() * 12);
    shard.read(0, states);
}

const Kind kKinds[] = {
    {"windows", kWindowsSchema, [](const fs::path& path) { write_windows(path, two_windows()); },
     [](const fs::path& path) { read_windows(path); }},
    {"positions", "bitgauge.positions/1", write_some_positions,
     [](const fs::path& path) { read_positions(path); }},
    {"rows", "bitgauge.log_probabilities/1", write_some_rows,
     [](const fs::path& path) {
         ShardReader(path, "bitgauge.log_probabilities/1").values<uint16_t>("rows");
     }},
    {"states", "bitgauge.states/1", write_some_states, read_all_states},
};

void PrintTo(const Kind& kind, std::ostream* out) {
    *out << kind.name;
}

class DamagedShard : public testing::TestWithParam<Kind> {
  protected:
    void SetUp() override {
        const fs::path folder = fresh_folder(std::string("damaged_") + GetParam().name);
        GetParam().write(folder / "good.gguf");
        path_ = folder / "bad.gguf";
        good_ = read_text_file(folder / "good.gguf");
    }

    void expect_refused(const std::string& bytes, const std::string& what) {
        write_plain(path_, bytes);
        const std::string identity = GetParam().schema == std::string(kWindowsSchema) ? "" : "key";
        EXPECT_FALSE(shard_is_good(path_, GetParam().schema, identity)) << what;
        EXPECT_EQ(error_of([&] { GetParam().read(path_); }).kind(), ErrorKind::kInput) << what;
    }

    fs::path path_;
    std::string good_;
};

TEST_P(DamagedShard, IsGoodAsLongAsNothingIsWrong) {
    write_plain(path_, good_);
    EXPECT_NO_THROW(GetParam().read(path_));
}

TEST_P(DamagedShard, OfAnyFlippedBitIsRefused) {
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
        std::string bytes = good_;
        const size_t at = random() % bytes.size();
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        expect_refused(bytes, "byte " + std::to_string(at));
    }
}

TEST_P(DamagedShard, CutAnywhereIsRefused) {
    std::mt19937 random(2);
    for (int i = 0; i < 60; ++i) {
        const size_t size = random() % good_.size();
        expect_refused(good_.substr(0, size), "cut at " + std::to_string(size));
    }
    expect_refused("", "empty");
    expect_refused(good_ + std::string(32, '\0'), "grown");
    expect_refused(good_ + good_, "twice");
}

TEST_P(DamagedShard, SaysWhatToDo) {
    write_plain(path_, good_.substr(0, good_.size() / 2));
    const Error error = error_of([&] { GetParam().read(path_); });
    EXPECT_EQ(error.what(), "'" + path_.string() +
                                "' cannot be used: it is damaged (its checksum is not that of its "
                                "bytes)");
    EXPECT_EQ(error.hint(), "delete it and run the command that made it again");
}

INSTANTIATE_TEST_SUITE_P(Kinds, DamagedShard, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST(ShardFile, ThatIsMissingIsNotGood) {
    EXPECT_FALSE(shard_is_good(fresh_folder("missing") / "x.gguf", kWindowsSchema, ""));
}

}  // namespace
}  // namespace bitgauge
