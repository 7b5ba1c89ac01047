#include "store/database.h"

#include <sqlite3.h>
#include <string>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr int kApplicationId = 0x62677531;  // "bgu1": tells a store from other SQLite files
constexpr int kSchemaVersion = 4;  // user_version; 2 added sweeps, 3 answers, 4 continuations
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

constexpr const char* kSweepSchema = R"sql(
    CREATE TABLE sweep (
        key           TEXT PRIMARY KEY NOT NULL,
        original_hash TEXT NOT NULL,
        created_utc   TEXT NOT NULL,
        json          TEXT NOT NULL
    );
    CREATE TABLE sweep_tensor (
        sweep_key TEXT NOT NULL,
        tensor    TEXT NOT NULL,
        json      TEXT NOT NULL,
        PRIMARY KEY (sweep_key, tensor)
    );
    CREATE TABLE sweep_mix (
        sweep_key TEXT NOT NULL,
        name      TEXT NOT NULL,
        json      TEXT NOT NULL,
        PRIMARY KEY (sweep_key, name)
    );
)sql";

constexpr const char* kTasksSchema = R"sql(
    CREATE TABLE tasks (
        key           TEXT PRIMARY KEY NOT NULL,
        questions_key TEXT NOT NULL,
        created_utc   TEXT NOT NULL,
        json          TEXT NOT NULL
    );
)sql";

constexpr const char* kDriftSchema = R"sql(
    CREATE TABLE drift (
        key          TEXT PRIMARY KEY NOT NULL,
        baseline_key TEXT NOT NULL,
        created_utc  TEXT NOT NULL,
        json         TEXT NOT NULL
    );
)sql";

constexpr const char* kHintNoStore = "name the store that `bitgauge measure` wrote";

}  // namespace

void fail_as_error(const fs::path& path, const SQLite::Exception& error) {
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

namespace {

int flags_of(Store::Access access) {
    return access == Store::Access::kReadOnly ? SQLite::OPEN_READONLY
                                              : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
}

}  // namespace

Store::Database::Database(const fs::path& file, Access access)
    : path(file), sqlite(guarded(file, [&] {
          return SQLite::Database(file.string(), flags_of(access), kBusyTimeoutMs);
      })) {
    guarded(path, [&] { prepare(access); });
}

int Store::Database::pragma(const char* name) {
    return sqlite.execAndGet(fmt::format("PRAGMA {}", name)).getInt();
}

void Store::Database::prepare(Access access) {
    if (access == Access::kReadWrite) create_or_upgrade();
    require_ours();
    has_sweeps_ = pragma("user_version") >= 2;
    has_tasks_ = pragma("user_version") >= 3;
    has_drifts_ = pragma("user_version") >= 4;
}

void Store::Database::create_or_upgrade() {
    SQLite::Transaction transaction(sqlite, SQLite::TransactionBehavior::IMMEDIATE);
    if (sqlite.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0 &&
        pragma("application_id") == 0) {
        sqlite.exec(kSchema);
        sqlite.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
        sqlite.exec("PRAGMA user_version = 1");
    }
    if (pragma("application_id") == kApplicationId) {
        if (pragma("user_version") == 1) add_layout(kSweepSchema, 2);
        if (pragma("user_version") == 2) add_layout(kTasksSchema, 3);
        if (pragma("user_version") == 3) add_layout(kDriftSchema, kSchemaVersion);
    }
    transaction.commit();
}

void Store::Database::add_layout(const char* tables, int version) {
    sqlite.exec(tables);
    sqlite.exec(fmt::format("PRAGMA user_version = {}", version));
}

void Store::Database::require_ours() {
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

void Store::Database::put_keyed(const char* table, const std::string& key, const std::string& about,
                                const std::string& created_utc, const Json& json) {
    SQLite::Statement insert(sqlite,
                             fmt::format("INSERT OR REPLACE INTO {} VALUES (?, ?, ?, ?)", table));
    insert.bind(1, key);
    insert.bind(2, about);
    insert.bind(3, created_utc);
    insert.bind(4, stored_text(json));
    insert.exec();
}

std::vector<Json> Store::Database::select_json(const char* table, const char* where,
                                               std::string_view argument) {
    SQLite::Statement query(
        sqlite, fmt::format("SELECT json FROM {} {} ORDER BY created_utc, key", table, where));
    if (query.getBindParameterCount() > 0) query.bind(1, std::string(argument));
    std::vector<Json> found;
    while (query.executeStep()) found.push_back(stored_json(query.getColumn(0).getString()));
    return found;
}

bool Store::Database::is_newer(const char* table, const std::string& key,
                               const std::string& created_utc) {
    SQLite::Statement query(sqlite, fmt::format("SELECT created_utc FROM {} WHERE key = ?", table));
    query.bind(1, key);
    return !query.executeStep() || query.getColumn(0).getString() < created_utc;
}

}  // namespace bitgauge
