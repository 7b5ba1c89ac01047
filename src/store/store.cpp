#include "bitgauge/store.h"

#include <cassert>
#include <sqlite3.h>
#include <string>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "bitgauge/error.h"

#include "store/record_json.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr int kApplicationId = 0x62677531;  // "bgu1": tells a store from other SQLite files
constexpr int kSchemaVersion = 1;           // user_version
constexpr int kBusyTimeoutMs = 30'000;

// The rollback journal, not WAL: records are few, the store stays one file, and it works on
// network file systems.
constexpr const char* kSchema = R"sql(
    CREATE TABLE record (
        key          TEXT PRIMARY KEY NOT NULL,
        baseline_key TEXT NOT NULL,
        created_utc  TEXT NOT NULL,
        json         TEXT NOT NULL
    );
    CREATE INDEX record_of_baseline ON record (baseline_key, created_utc, key);
)sql";

constexpr const char* kHintNoStore = "name the store that `bitgauge measure` wrote";

[[noreturn]] void fail(const fs::path& path, const SQLite::Exception& error) {
    const std::string file = path.string();
    switch (error.getErrorCode()) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            throw Error(
                ErrorKind::kInput,
                fmt::format("{} is not a bitgauge store, or is damaged ({})", file, error.what()),
                kHintNoStore);
        case SQLITE_READONLY:
            throw Error(ErrorKind::kEnvironment, fmt::format("{} cannot be written to", file),
                        "change its permissions, or name another store");
        case SQLITE_FULL:
            throw Error(ErrorKind::kEnvironment, fmt::format("no space left to write {}", file),
                        "free some space; nothing that was in the store is lost");
        case SQLITE_IOERR:
            throw Error(ErrorKind::kEnvironment,
                        fmt::format("{} could not be read or written ({})", file, error.what()),
                        "free some space or check the disk; nothing that was in the store is lost");
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            throw Error(ErrorKind::kEnvironment,
                        fmt::format("{} has been locked by another process for {} s", file,
                                    kBusyTimeoutMs / 1000),
                        "wait for the other run to end, or use a store of its own and merge");
        default:
            throw Error(ErrorKind::kEnvironment,
                        fmt::format("{} could not be used: {}", file, error.what()),
                        "check that the folder exists and may be written to");
    }
}

// Runs `step`, turning the library's exceptions into ours.
template <class Step>
auto guarded(const fs::path& path, Step&& step) {
    try {
        return step();
    } catch (const SQLite::Exception& error) {
        fail(path, error);
    }
}

std::string text_of(const MeasureRecord& record) {
    // Names come from file systems and model files: bytes that are no UTF-8 are replaced.
    return to_json(record).dump(-1, ' ', false, Json::error_handler_t::replace);
}

MeasureRecord record_of(const std::string& text) {
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    return record_from_json(json);  // text that is no JSON has no schema
}

void require_existing(const fs::path& path, Store::Access access) {
    if (fs::is_directory(path)) {
        throw Error(ErrorKind::kInput, fmt::format("{} is a folder, not a store", path.string()),
                    kHintNoStore);
    }
    if (access == Store::Access::kReadWrite || fs::exists(path)) return;
    throw Error(ErrorKind::kInput, fmt::format("there is no store {}", path.string()),
                "measure something first, or name another store with --store");
}

int flags_of(Store::Access access) {
    return access == Store::Access::kReadOnly ? SQLite::OPEN_READONLY
                                              : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
}

}  // namespace

struct Store::Database {
    Database(const fs::path& file, Access access)
        : path(file), sqlite(guarded(file, [&] {
              return SQLite::Database(file.string(), flags_of(access), kBusyTimeoutMs);
          })) {
        guarded(path, [&] { prepare(access); });
    }

    int pragma(const char* name) {
        return sqlite.execAndGet(fmt::format("PRAGMA {}", name)).getInt();
    }

    void prepare(Access access) {
        if (access == Access::kReadWrite) create_if_empty();
        require_ours();
    }

    void create_if_empty() {
        SQLite::Transaction transaction(sqlite, SQLite::TransactionBehavior::IMMEDIATE);
        if (sqlite.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0 &&
            pragma("application_id") == 0) {
            sqlite.exec(kSchema);
            sqlite.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
            sqlite.exec(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
        }
        transaction.commit();
    }

    void require_ours() {
        if (pragma("application_id") != kApplicationId) {
            throw Error(
                ErrorKind::kInput,
                fmt::format("{} is empty or a database of another program, not a bitgauge store",
                            path.string()),
                kHintNoStore);
        }
        if (const int version = pragma("user_version"); version > kSchemaVersion) {
            throw Error(ErrorKind::kInput,
                        fmt::format("{} has layout version {}, this program knows up to {}",
                                    path.string(), version, kSchemaVersion),
                        "use the newer bitgauge that wrote it");
        }
    }

    void put(const MeasureRecord& record) {
        SQLite::Statement insert(sqlite, "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)");
        insert.bind(1, record.key);
        insert.bind(2, record.baseline.key);
        insert.bind(3, record.created_utc);
        insert.bind(4, text_of(record));
        insert.exec();
    }

    // The records of one query whose single parameter, if any, is bound to `argument`.
    std::vector<MeasureRecord> select(const char* where, std::string_view argument) {
        SQLite::Statement query(
            sqlite, fmt::format("SELECT json FROM record {} ORDER BY created_utc, key", where));
        if (query.getBindParameterCount() > 0) query.bind(1, std::string(argument));
        std::vector<MeasureRecord> records;
        while (query.executeStep()) records.push_back(record_of(query.getColumn(0).getString()));
        return records;
    }

    bool is_newer(const MeasureRecord& record) {
        SQLite::Statement query(sqlite, "SELECT created_utc FROM record WHERE key = ?");
        query.bind(1, record.key);
        return !query.executeStep() || query.getColumn(0).getString() < record.created_utc;
    }

    fs::path path;
    SQLite::Database sqlite;
};

Store::Store(const fs::path& path, Access access) {
    require_existing(path, access);
    database_ = std::make_unique<Database>(path, access);
}

Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

void Store::put(const MeasureRecord& record) {
    assert(!record.key.empty());
    guarded(database_->path, [&] { database_->put(record); });
}

std::optional<MeasureRecord> Store::find(std::string_view key) const {
    auto found = guarded(database_->path, [&] { return database_->select("WHERE key = ?", key); });
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::vector<MeasureRecord> Store::all() const {
    return guarded(database_->path, [&] { return database_->select("", {}); });
}

std::vector<MeasureRecord> Store::of_baseline(std::string_view baseline_key) const {
    return guarded(database_->path,
                   [&] { return database_->select("WHERE baseline_key = ?", baseline_key); });
}

size_t Store::merge(const fs::path& other) {
    const std::vector<MeasureRecord> theirs = Store(other, Access::kReadOnly).all();
    return guarded(database_->path, [&] {
        SQLite::Transaction transaction(database_->sqlite, SQLite::TransactionBehavior::IMMEDIATE);
        size_t taken = 0;
        for (const MeasureRecord& record : theirs) {
            if (!database_->is_newer(record)) continue;
            database_->put(record);
            ++taken;
        }
        transaction.commit();
        return taken;
    });
}

}  // namespace bitgauge
