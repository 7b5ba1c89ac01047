#include "quantize/journal.h"

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

using Finished = std::map<std::string, std::string>;

fs::path fresh_out(const std::string& name) {
    const fs::path folder = fs::temp_directory_path() / ("bitgauge_journal_test_" + name);
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder / "out.gguf";
}

GgufFile small_model(const fs::path& folder) {
    static const std::vector<float> values(32, 1.0F);
    GgufWriter writer;
    writer.add_tensor("a", 0, std::vector<uint64_t>{32}, std::as_bytes(std::span(values)));
    writer.write(folder / "model.gguf");
    return GgufFile::open(folder / "model.gguf");
}

TEST(Journal, RemembersWhatWasFinishedUnderTheSameKey) {
    const fs::path out = fresh_out("same");
    {
        Journal journal(out);
        EXPECT_FALSE(journal.begin("key", {out}));
        journal.add("a", "1");
        journal.add("b", "2");
    }
    EXPECT_EQ(Journal(out).begin("key", {out}), (Finished{{"a", "1"}, {"b", "2"}}));
}

TEST(Journal, ForgetsItUnderAnotherKeyAndRemovesItsParts) {
    const fs::path out = fresh_out("other");
    const fs::path shard = out.parent_path() / "shard.gguf";
    {
        Journal journal(out);
        journal.begin("key", {shard});
        journal.add("a", "1");
        std::ofstream(shard.string() + ".part") << "bytes";
    }
    EXPECT_FALSE(Journal(out).begin("other", {out}));
    EXPECT_FALSE(fs::exists(shard.string() + ".part"));
    EXPECT_EQ(Journal(out).begin("other", {out}), Finished());
}

TEST(Journal, PassesOverATornLine) {
    const fs::path out = fresh_out("torn");
    {
        Journal journal(out);
        journal.begin("key", {out});
        journal.add("a", "1");
    }
    std::ofstream(out.string() + ".part.journal", std::ios::app) << "{\"tensor\":\"b\",\"ha";
    {
        Journal journal(out);
        EXPECT_EQ(journal.begin("key", {out}), (Finished{{"a", "1"}}));
        journal.add("c", "3");
    }
    EXPECT_EQ(Journal(out).begin("key", {out}), (Finished{{"a", "1"}, {"c", "3"}}));
}

TEST(Journal, KeepsTheScanOfUnchangedFiles) {
    const fs::path out = fresh_out("scan");
    const GgufFile model = small_model(out.parent_path());
    const OriginalScan scan{.content_hash = "abc", .tensors = {{.nan = 2, .largest = 1.5F}}};
    {
        Journal journal(out);
        EXPECT_FALSE(journal.scan_of(state_of(model, {65504.0F}), 1));
        journal.keep_scan(state_of(model, {65504.0F}), scan);
    }
    const Journal journal(out);
    const auto known = journal.scan_of(state_of(model, {65504.0F}), 1);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->content_hash, "abc");
    EXPECT_EQ(known->tensors[0].nan, 2U);
    EXPECT_EQ(known->tensors[0].largest, 1.5F);
    EXPECT_FALSE(journal.scan_of(state_of(model, {1.0F}), 1));
    EXPECT_FALSE(journal.scan_of(state_of(model, {65504.0F}), 2));
    fs::last_write_time(model.shards().front(),
                        fs::file_time_type::clock::now() + std::chrono::seconds(5));
    EXPECT_FALSE(journal.scan_of(state_of(model, {65504.0F}), 1));
}

TEST(Journal, PassesOverLinesThatSayNothing) {
    const fs::path out = fresh_out("damaged");
    std::ofstream(out.string() + ".part.journal")
        << "{\"scan\":{}}\n{\"scan\":{\"hash\":\"a\",\"tensors\":1e18,\"bad\":{}},\"of\":\"b\"}\n"
        << "{\"key\":7}\n{\"tensor\":1}\n[]\n7\n";
    Journal journal(out);
    EXPECT_FALSE(journal.scan_of("b", 1));
    EXPECT_FALSE(journal.begin("key", {out}));
}

TEST(Journal, TakesNamesThatAreNoText) {
    const fs::path out = fresh_out("bytes");
    {
        Journal journal(out);
        journal.begin("key", {out.parent_path() / "mod\xe8le.gguf"});
        journal.add("blk.\xff", "1");
        journal.add("b", "2");
    }
    EXPECT_EQ(Journal(out).begin("key", {out})->at("b"), "2");
}

TEST(Journal, StaysWhereARunGivesUpBeforeItBegins) {
    const fs::path out = fresh_out("give_up");
    {
        Journal journal(out);
        journal.begin("key", {out});
        journal.add("a", "1");
    }
    Journal(out).give_up();
    EXPECT_EQ(Journal(out).begin("key", {out}), (Finished{{"a", "1"}}));
    Journal again(out);
    again.begin("key", {out});
    again.give_up();
    EXPECT_FALSE(fs::exists(out.string() + ".part.journal"));
}

TEST(Journal, IsWrittenByOneAtATimeAndLeavesNothing) {
    const fs::path out = fresh_out("one");
    Journal journal(out);
    EXPECT_THROW(Journal second(out), Error);
    journal.remove();
    EXPECT_TRUE(fs::is_empty(out.parent_path()));
}

}  // namespace
}  // namespace bitgauge
