#include "bitgauge/store.h"

#include <cassert>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "store/database.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHintNoStore = "name the store that `bitgauge measure` wrote";

void require_existing(const fs::path& path, Store::Access access) {
    if (fs::is_directory(path)) {
        throw Error(ErrorKind::kInput, fmt::format("{} is a folder, not a store", path.string()),
                    kHintNoStore);
    }
    if (access == Store::Access::kReadWrite || fs::exists(path)) return;
    throw Error(ErrorKind::kInput, fmt::format("there is no store {}", path.string()),
                "measure something first, or name another store with --store");
}

void put_record(SQLite::Database& sqlite, const MeasureRecord& record) {
    SQLite::Statement insert(sqlite, "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)");
    insert.bind(1, record.key);
    insert.bind(2, record.baseline.key);
    insert.bind(3, record.created_utc);
    insert.bind(4, stored_text(to_json(record)));
    insert.exec();
}

// The records of one query whose single parameter, if any, is bound to `argument`.
std::vector<MeasureRecord> select(SQLite::Database& sqlite, const char* where,
                                  std::string_view argument) {
    SQLite::Statement query(
        sqlite, fmt::format("SELECT json FROM record {} ORDER BY created_utc, key", where));
    if (query.getBindParameterCount() > 0) query.bind(1, std::string(argument));
    std::vector<MeasureRecord> records;
    while (query.executeStep()) {
        records.push_back(record_from_json(stored_json(query.getColumn(0).getString())));
    }
    return records;
}

bool is_newer(SQLite::Database& sqlite, const MeasureRecord& record) {
    SQLite::Statement query(sqlite, "SELECT created_utc FROM record WHERE key = ?");
    query.bind(1, record.key);
    return !query.executeStep() || query.getColumn(0).getString() < record.created_utc;
}

}  // namespace

Store::Store(const fs::path& path, Access access) {
    require_existing(path, access);
    database_ = std::make_unique<Database>(path, access);
}

Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

void Store::put(const MeasureRecord& record) {
    assert(!record.key.empty());
    guarded(database_->path, [&] { put_record(database_->sqlite, record); });
}

std::optional<MeasureRecord> Store::find(std::string_view key) const {
    auto found =
        guarded(database_->path, [&] { return select(database_->sqlite, "WHERE key = ?", key); });
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::vector<MeasureRecord> Store::all() const {
    return guarded(database_->path, [&] { return select(database_->sqlite, "", {}); });
}

std::vector<MeasureRecord> Store::of_baseline(std::string_view baseline_key) const {
    return guarded(database_->path, [&] {
        return select(database_->sqlite, "WHERE baseline_key = ?", baseline_key);
    });
}

size_t Store::merge(const fs::path& other) {
    const Store from(other, Access::kReadOnly);
    const std::vector<MeasureRecord> theirs = from.all();
    const std::vector<SweepTable> their_sweeps = from.all_sweeps();
    const std::vector<TaskRecord> their_tasks = from.all_tasks();
    const std::vector<DriftRecord> their_drifts = from.all_drifts();
    return guarded(database_->path, [&] {
        SQLite::Transaction transaction(database_->sqlite, SQLite::TransactionBehavior::IMMEDIATE);
        size_t taken = 0;
        for (const MeasureRecord& record : theirs) {
            if (!is_newer(database_->sqlite, record)) continue;
            put_record(database_->sqlite, record);
            ++taken;
        }
        for (const SweepTable& sweep : their_sweeps) taken += database_->merge(sweep);
        for (const TaskRecord& record : their_tasks) taken += database_->merge(record) ? 1 : 0;
        for (const DriftRecord& record : their_drifts) taken += database_->merge(record) ? 1 : 0;
        transaction.commit();
        return taken;
    });
}

}  // namespace bitgauge
