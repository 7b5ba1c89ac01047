#include <filesystem>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/store.h"

#include "store/example_record.h"
#include "store/record_json.h"
#include "store/store_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// As bitgauge left it before there were records of continuations.
void make_layout_3(const fs::path& path) {
    Store store(path);
    store.put(example_record());
    store.put_sweep(example_sweep());
    run_sql(path, "DROP TABLE drift; PRAGMA user_version = 3");
}

DriftRecord through_text(const DriftRecord& record) {
    return drift_record_from_json(Json::parse(to_json(record).dump()));
}

std::string message_of(const Json& json) {
    try {
        drift_record_from_json(json);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return error.what();
    }
    return "no error";
}

// --- text ---------------------------------------------------------------------------------------

TEST(DriftJson, EveryFieldSurvivesTheTripThroughText) {
    const DriftRecord put = example_drift(), got = through_text(put);
    EXPECT_EQ(to_json(got).dump(2), to_json(put).dump(2));
    EXPECT_EQ(got.baseline_key, put.baseline_key);
    EXPECT_EQ(got.original.content_hash, put.original.content_hash);
    EXPECT_EQ(got.beginnings_key, put.beginnings_key);
    EXPECT_EQ(got.prompt_tokens, put.prompt_tokens);
    EXPECT_EQ(got.tokens, put.tokens);
    EXPECT_EQ(got.parallel, put.parallel);
    EXPECT_EQ(got.strata, put.strata);
    EXPECT_EQ(got.clusters, put.clusters);
    EXPECT_EQ(got.beginnings.stratum, put.beginnings.stratum);
    EXPECT_EQ(got.beginnings.cluster, put.beginnings.cluster);
    EXPECT_EQ(got.beginnings.same_tokens, put.beginnings.same_tokens);
    EXPECT_EQ(got.floor_same_tokens, put.floor_same_tokens);
    EXPECT_EQ(got.elapsed_s, put.elapsed_s);
}

TEST(DriftJson, NoFieldOfTheExampleIsLeftAtItsDefault) {
    const Json filled = to_json(through_text(example_drift())).flatten();
    const Json empty = to_json(DriftRecord{}).flatten();
    for (const auto& [path, value] : empty.items()) {
        if (path == "/schema" || !filled.contains(path)) continue;
        EXPECT_NE(filled[path], value) << path;
    }
}

TEST(DriftJson, AnotherSchemaAndDamageAreRefusedByName) {
    const std::string schema = message_of(to_json(example_record()));
    EXPECT_NE(schema.find("bitgauge.measure/1"), std::string::npos) << schema;
    EXPECT_NE(schema.find("bitgauge.drift-record/1"), std::string::npos) << schema;
    Json json = to_json(example_drift());
    json["beginnings"].erase("same_tokens");
    EXPECT_EQ(message_of(json), "the record's \"beginnings.same_tokens\" is missing");
    json = to_json(example_drift());
    json["beginnings"]["cluster"][0] = -1;
    EXPECT_EQ(message_of(json),
              "the record's \"beginnings.cluster\" is not a whole number in its range");
}

// --- the store ----------------------------------------------------------------------------------

TEST(StoredDrifts, AreFoundExactlyAsTheyWerePut) {
    const fs::path path = fresh_folder("drift_put") / "s.db";
    const DriftRecord record = example_drift();
    Store(path).put_drift(record);
    const Store store(path, Store::Access::kReadOnly);
    const auto found = store.find_drift(record.key);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(to_json(*found).dump(), to_json(record).dump());
    ASSERT_EQ(store.all_drifts().size(), 1U);
    EXPECT_EQ(to_json(store.all_drifts()[0]).dump(), to_json(record).dump());
    EXPECT_FALSE(store.find_drift("other").has_value());
}

TEST(StoredDrifts, AreNoMeasurements) {
    Store store(fresh_folder("drift_apart") / "s.db");
    store.put_drift(example_drift("k"));
    EXPECT_TRUE(store.all().empty());
    EXPECT_FALSE(store.find("k").has_value());
    store.put(example_record("k"));
    EXPECT_EQ(store.all_drifts().size(), 1U);
}

TEST(StoredDrifts, OfAnEqualKeyAreReplaced) {
    Store store(fresh_folder("drift_replace") / "s.db");
    DriftRecord again = example_drift("k");
    again.beginnings.same_tokens = {4, 4, 4};
    store.put_drift(example_drift("k"));
    store.put_drift(again);
    ASSERT_EQ(store.all_drifts().size(), 1U);
    EXPECT_EQ(store.all_drifts()[0].beginnings.same_tokens, again.beginnings.same_tokens);
}

TEST(StoredDrifts, AreListedOldestFirst) {
    Store store(fresh_folder("drift_list") / "s.db");
    store.put_drift(example_drift("b", "2026-01-02T00:00:00Z"));
    store.put_drift(example_drift("a", "2026-01-02T00:00:00Z"));
    store.put_drift(example_drift("c", "2026-01-01T00:00:00Z"));
    EXPECT_EQ(keys_of(store.all_drifts()), (std::vector<std::string>{"c", "a", "b"}));
}

TEST(StoredDrifts, AMergeTakesWhatIsAbsentOrNewer) {
    const fs::path folder = fresh_folder("drift_merge");
    Store here(folder / "here.db");
    here.put_drift(example_drift("same", "2026-01-02T00:00:00Z"));
    here.put_drift(example_drift("older here", "2026-01-01T00:00:00Z"));
    here.put_drift(example_drift("newer here", "2026-01-03T00:00:00Z"));
    {
        Store there(folder / "there.db");
        for (const char* key : {"same", "older here", "newer here", "absent here"}) {
            there.put_drift(example_drift(key, "2026-01-02T00:00:00Z"));
        }
    }
    EXPECT_EQ(here.merge(folder / "there.db"), 2U);
    EXPECT_EQ(here.all_drifts().size(), 4U);
    EXPECT_EQ(here.find_drift("newer here")->created_utc, "2026-01-03T00:00:00Z");
    EXPECT_EQ(here.find_drift("older here")->created_utc, "2026-01-02T00:00:00Z");
}

TEST(StoredDrifts, AMergeThatFailsTakesNothing) {
    const fs::path folder = fresh_folder("drift_damaged");
    Store here(folder / "here.db");
    {
        Store there(folder / "there.db");
        there.put(example_record());
        there.put_drift(example_drift());
    }
    run_sql(folder / "there.db", "UPDATE drift SET json = '{'");
    EXPECT_THROW(here.merge(folder / "there.db"), Error);
    EXPECT_TRUE(here.all().empty());
    EXPECT_TRUE(here.all_drifts().empty());
}

// --- layouts ------------------------------------------------------------------------------------

TEST(StoreLayout, ThreeIsUpgradedWhenItIsOpenedForWriting) {
    const fs::path path = fresh_folder("drift_upgrade") / "s.db";
    make_layout_3(path);
    Store store(path);
    EXPECT_EQ(user_version(path), 4);
    EXPECT_EQ(store.all().size(), 1U);
    EXPECT_EQ(store.all_sweeps().size(), 1U);
    EXPECT_TRUE(store.all_drifts().empty());
    store.put_drift(example_drift());
    EXPECT_TRUE(store.find_drift("drift-key").has_value());
}

TEST(StoreLayout, ThreeIsReadWithoutContinuationsAndNotTouched) {
    const fs::path path = fresh_folder("drift_read") / "s.db";
    make_layout_3(path);
    const Store store(path, Store::Access::kReadOnly);
    EXPECT_EQ(store.all().size(), 1U);
    EXPECT_EQ(store.all_sweeps().size(), 1U);
    EXPECT_TRUE(store.all_drifts().empty());
    EXPECT_FALSE(store.find_drift("drift-key").has_value());
    EXPECT_EQ(user_version(path), 3);
}

TEST(StoreLayout, ThreeIsMerged) {
    const fs::path folder = fresh_folder("drift_merge_layouts");
    make_layout_3(folder / "old.db");
    Store here(folder / "here.db");
    here.put_drift(example_drift());
    EXPECT_EQ(here.merge(folder / "old.db"), 1U);  // the record; the sweep has no parts to count
    EXPECT_EQ(here.all_sweeps().size(), 1U);
    EXPECT_EQ(here.all_drifts().size(), 1U);
    EXPECT_EQ(user_version(folder / "old.db"), 3);
}

}  // namespace
}  // namespace bitgauge
