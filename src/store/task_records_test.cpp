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

// As bitgauge left it before there were answers to questions.
void make_layout_2(const fs::path& path) {
    Store store(path);
    store.put(example_record());
    store.put_sweep(example_sweep());
    run_sql(path, "DROP TABLE tasks; DROP TABLE drift; PRAGMA user_version = 2");
}

TaskRecord through_text(const TaskRecord& record) {
    return task_record_from_json(Json::parse(to_json(record).dump()));
}

std::string message_of(const Json& json) {
    try {
        task_record_from_json(json);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return error.what();
    }
    return "no error";
}

// --- text ---------------------------------------------------------------------------------------

TEST(TaskJson, EveryFieldSurvivesTheTripThroughText) {
    const TaskRecord put = example_tasks(), got = through_text(put);
    EXPECT_EQ(to_json(got).dump(2), to_json(put).dump(2));
    EXPECT_EQ(got.questions_key, put.questions_key);
    EXPECT_EQ(got.settings, put.settings);  // doubles to the last bit, a seed of all 64
    EXPECT_EQ(got.sets, put.sets);
    EXPECT_EQ(got.clusters, put.clusters);
    EXPECT_EQ(got.answers.question, put.answers.question);
    EXPECT_EQ(got.answers.set, put.answers.set);
    EXPECT_EQ(got.answers.cluster, put.answers.cluster);
    EXPECT_EQ(got.answers.right, put.answers.right);
    EXPECT_EQ(got.failures.unreadable, put.failures.unreadable);
    EXPECT_EQ(got.written_tokens, put.written_tokens);
    EXPECT_EQ(got.elapsed_s, put.elapsed_s);
}

TEST(TaskJson, NoFieldOfTheExampleIsLeftAtItsDefault) {
    const Json filled = to_json(through_text(example_tasks())).flatten();
    const Json empty = to_json(TaskRecord{}).flatten();
    for (const auto& [path, value] : empty.items()) {
        if (path == "/schema" || !filled.contains(path)) continue;
        EXPECT_NE(filled[path], value) << path;
    }
}

TEST(TaskJson, AnotherSchemaAndDamageAreRefusedByName) {
    const std::string schema = message_of(to_json(example_record()));
    EXPECT_NE(schema.find("bitgauge.measure/1"), std::string::npos) << schema;
    EXPECT_NE(schema.find("bitgauge.tasks/1"), std::string::npos) << schema;
    Json json = to_json(example_tasks());
    json["answers"].erase("right");
    EXPECT_EQ(message_of(json), "the record's \"answers.right\" is missing");
    json = to_json(example_tasks());
    json["answers"]["set"][0] = -1;
    EXPECT_EQ(message_of(json), "the record's \"answers.set\" is not a whole number in its range");
}

// --- the store ----------------------------------------------------------------------------------

TEST(StoredTasks, AreFoundExactlyAsTheyWerePut) {
    const fs::path path = fresh_folder("put") / "s.db";
    const TaskRecord record = example_tasks();
    Store(path).put_tasks(record);
    const Store store(path, Store::Access::kReadOnly);
    const auto found = store.find_tasks(record.key);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(to_json(*found).dump(), to_json(record).dump());
    ASSERT_EQ(store.all_tasks().size(), 1U);
    EXPECT_EQ(to_json(store.all_tasks()[0]).dump(), to_json(record).dump());
    EXPECT_FALSE(store.find_tasks("other").has_value());
}

TEST(StoredTasks, AreNoMeasurements) {
    Store store(fresh_folder("apart") / "s.db");
    store.put_tasks(example_tasks("k"));
    EXPECT_TRUE(store.all().empty());
    EXPECT_FALSE(store.find("k").has_value());
    store.put(example_record("k"));
    EXPECT_EQ(store.all_tasks().size(), 1U);
}

TEST(StoredTasks, OfAnEqualKeyAreReplaced) {
    Store store(fresh_folder("replace") / "s.db");
    TaskRecord again = example_tasks("k");
    again.answers.right = {0, 0, 0, 0, 1};
    store.put_tasks(example_tasks("k"));
    store.put_tasks(again);
    ASSERT_EQ(store.all_tasks().size(), 1U);
    EXPECT_EQ(store.all_tasks()[0].answers.right, again.answers.right);
}

TEST(StoredTasks, AreListedOldestFirst) {
    Store store(fresh_folder("list") / "s.db");
    store.put_tasks(example_tasks("b", "2026-01-02T00:00:00Z"));
    store.put_tasks(example_tasks("a", "2026-01-02T00:00:00Z"));
    store.put_tasks(example_tasks("c", "2026-01-01T00:00:00Z"));
    EXPECT_EQ(keys_of(store.all_tasks()), (std::vector<std::string>{"c", "a", "b"}));
}

TEST(StoredTasks, AMergeTakesWhatIsAbsentOrNewer) {
    const fs::path folder = fresh_folder("merge");
    Store here(folder / "here.db");
    here.put_tasks(example_tasks("same", "2026-01-02T00:00:00Z"));
    here.put_tasks(example_tasks("older here", "2026-01-01T00:00:00Z"));
    here.put_tasks(example_tasks("newer here", "2026-01-03T00:00:00Z"));
    {
        Store there(folder / "there.db");
        for (const char* key : {"same", "older here", "newer here", "absent here"}) {
            there.put_tasks(example_tasks(key, "2026-01-02T00:00:00Z"));
        }
    }
    EXPECT_EQ(here.merge(folder / "there.db"), 2U);
    EXPECT_EQ(here.all_tasks().size(), 4U);
    EXPECT_EQ(here.find_tasks("newer here")->created_utc, "2026-01-03T00:00:00Z");
    EXPECT_EQ(here.find_tasks("older here")->created_utc, "2026-01-02T00:00:00Z");
}

TEST(StoredTasks, AMergeThatFailsTakesNothing) {
    const fs::path folder = fresh_folder("damaged");
    Store here(folder / "here.db");
    {
        Store there(folder / "there.db");
        there.put(example_record());
        there.put_tasks(example_tasks());
    }
    run_sql(folder / "there.db", "UPDATE tasks SET json = '{'");
    EXPECT_THROW(here.merge(folder / "there.db"), Error);
    EXPECT_TRUE(here.all().empty());
    EXPECT_TRUE(here.all_tasks().empty());
}

// --- layouts ------------------------------------------------------------------------------------

TEST(StoreLayout, TwoIsUpgradedWhenItIsOpenedForWriting) {
    const fs::path path = fresh_folder("upgrade") / "s.db";
    make_layout_2(path);
    Store store(path);
    EXPECT_EQ(user_version(path), 4);
    EXPECT_EQ(store.all().size(), 1U);
    EXPECT_EQ(store.all_sweeps().size(), 1U);
    EXPECT_TRUE(store.all_tasks().empty());
    store.put_tasks(example_tasks());
    EXPECT_TRUE(store.find_tasks("tasks-key").has_value());
}

TEST(StoreLayout, TwoIsReadWithoutAnswersAndNotTouched) {
    const fs::path path = fresh_folder("read") / "s.db";
    make_layout_2(path);
    const Store store(path, Store::Access::kReadOnly);
    EXPECT_EQ(store.all().size(), 1U);
    EXPECT_EQ(store.all_sweeps().size(), 1U);
    EXPECT_TRUE(store.all_tasks().empty());
    EXPECT_FALSE(store.find_tasks("tasks-key").has_value());
    EXPECT_EQ(user_version(path), 2);
}

TEST(StoreLayout, TwoIsMerged) {
    const fs::path folder = fresh_folder("merge_layouts");
    make_layout_2(folder / "old.db");
    Store here(folder / "here.db");
    here.put_tasks(example_tasks());
    EXPECT_EQ(here.merge(folder / "old.db"), 1U);  // the record; the sweep has no parts to count
    EXPECT_EQ(here.all_sweeps().size(), 1U);
    EXPECT_EQ(here.all_tasks().size(), 1U);
    EXPECT_EQ(user_version(folder / "old.db"), 2);
}

}  // namespace
}  // namespace bitgauge
