#include "bitgauge/store.h"

#include <fstream>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "store/example_record.h"
#include "store/record_json.h"
#include "store/store_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

void write_text(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
}

// The error of opening, as "kind: message".
Error error_of_opening(const fs::path& path, Store::Access access) {
    try {
        const Store store(path, access);
    } catch (const Error& error) {
        return error;
    }
    return Error(ErrorKind::kGate, "no error");
}

TEST(Store, FindsWhatWasPutExactly) {
    const fs::path path = fresh_folder("put") / "s.db";
    const MeasureRecord record = example_record();
    Store(path).put(record);
    const auto found = Store(path, Store::Access::kReadOnly).find(record.key);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(to_json(*found).dump(), to_json(record).dump());
    EXPECT_FALSE(Store(path).find("other").has_value());
}

TEST(Store, AnEqualKeyReplaces) {
    Store store(fresh_folder("replace") / "s.db");
    store.put(example_record("k", "2026-01-01T00:00:00Z"));
    store.put(example_record("k", "2026-01-02T00:00:00Z"));
    ASSERT_EQ(store.all().size(), 1u);
    EXPECT_EQ(store.all()[0].created_utc, "2026-01-02T00:00:00Z");
}

TEST(Store, ListsOldestFirstAndByBaseline) {
    Store store(fresh_folder("list") / "s.db");
    store.put(example_record("b", "2026-01-02T00:00:00Z"));
    store.put(example_record("a", "2026-01-03T00:00:00Z"));
    MeasureRecord other = example_record("c", "2026-01-01T00:00:00Z");
    other.baseline.key = "another";
    store.put(other);
    EXPECT_EQ(keys_of(store.all()), (std::vector<std::string>{"c", "b", "a"}));
    EXPECT_EQ(keys_of(store.of_baseline("baseline-key")), (std::vector<std::string>{"b", "a"}));
    EXPECT_TRUE(store.of_baseline("none").empty());
}

TEST(Store, MergeTakesWhatIsAbsentOrNewer) {
    const fs::path folder = fresh_folder("merge");
    Store here(folder / "here.db");
    here.put(example_record("same", "2026-01-02T00:00:00Z"));
    here.put(example_record("older here", "2026-01-01T00:00:00Z"));
    here.put(example_record("newer here", "2026-01-03T00:00:00Z"));
    {
        Store there(folder / "there.db");
        for (const char* key : {"same", "older here", "newer here", "absent here"}) {
            there.put(example_record(key, "2026-01-02T00:00:00Z"));
        }
    }
    EXPECT_EQ(here.merge(folder / "there.db"), 2u);
    EXPECT_EQ(here.all().size(), 4u);
    EXPECT_EQ(here.find("newer here")->created_utc, "2026-01-03T00:00:00Z");
    EXPECT_EQ(here.find("older here")->created_utc, "2026-01-02T00:00:00Z");
}

TEST(Store, ANameThatIsNoUtf8IsKeptReadable) {
    Store store(fresh_folder("utf8") / "s.db");
    MeasureRecord record = example_record();
    record.model.file = "bad\xff.gguf";
    store.put(record);
    EXPECT_EQ(store.find(record.key)->model.file, "bad\xEF\xBF\xBD.gguf");
}

TEST(Store, AMissingFileIsAnInputErrorForReadersOnly) {
    const fs::path path = fresh_folder("missing") / "s.db";
    const Error error = error_of_opening(path, Store::Access::kReadOnly);
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("there is no store"), std::string::npos);
    EXPECT_FALSE(fs::exists(path));
    EXPECT_NO_THROW(Store{path});
}

TEST(Store, AFileThatIsNoDatabaseIsRefusedAndNotTouched) {
    const fs::path path = fresh_folder("text") / "s.db";
    const std::string text(5000, 'x');
    write_text(path, text);
    for (const auto access : {Store::Access::kReadOnly, Store::Access::kReadWrite}) {
        const Error error = error_of_opening(path, access);
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(std::string(error.what()).find("is not a bitgauge store"), std::string::npos);
    }
    EXPECT_EQ(fs::file_size(path), text.size());
}

TEST(Store, ADatabaseOfSomethingElseIsRefused) {
    const fs::path path = fresh_folder("foreign") / "s.db";
    run_sql(path, "CREATE TABLE record (whatever)");
    const Error error = error_of_opening(path, Store::Access::kReadWrite);
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("not a bitgauge store"), std::string::npos);
}

TEST(Store, ANewerLayoutIsRefusedNamingBothVersions) {
    const fs::path path = fresh_folder("newer") / "s.db";
    { const Store store(path); }
    run_sql(path, "PRAGMA user_version = 7");
    const Error error = error_of_opening(path, Store::Access::kReadWrite);
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("layout version 7, this program knows up to 4"),
              std::string::npos);
}

TEST(Store, ADamagedRecordIsRefusedNotSkipped) {
    const fs::path path = fresh_folder("damaged") / "s.db";
    Store(path).put(example_record());
    run_sql(path, "UPDATE record SET json = '{\"schema\"'");
    EXPECT_THROW(Store(path).all(), Error);
}

TEST(Store, AFolderThatIsAbsentIsAnEnvironmentError) {
    const Error error =
        error_of_opening(fresh_folder("folder") / "none" / "s.db", Store::Access::kReadWrite);
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_FALSE(error.hint().empty());
}

TEST(Store, WritingThroughAReaderIsAnEnvironmentError) {
    const fs::path path = fresh_folder("reader") / "s.db";
    { const Store store(path); }
    Store reader(path, Store::Access::kReadOnly);
    try {
        reader.put(example_record());
        FAIL() << "a read-only store was written to";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("cannot be written to"), std::string::npos);
    }
}

TEST(Store, TwoWritersTakeTurns) {
    const fs::path path = fresh_folder("turns") / "s.db";
    Store first(path);
    Store second(path);
    first.put(example_record("a"));
    second.put(example_record("b"));
    EXPECT_EQ(first.all().size(), 2u);
}

}  // namespace
}  // namespace bitgauge
