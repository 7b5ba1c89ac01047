#include <cassert>
#include <string>

#include "store/database.h"
#include "store/record_json.h"

namespace bitgauge {

void Store::Database::put_drift(const DriftRecord& record) {
    SQLite::Statement insert(sqlite, "INSERT OR REPLACE INTO drift VALUES (?, ?, ?, ?)");
    insert.bind(1, record.key);
    insert.bind(2, record.baseline_key);
    insert.bind(3, record.created_utc);
    insert.bind(4, stored_text(to_json(record)));
    insert.exec();
}

std::vector<DriftRecord> Store::Database::select_drifts(const char* where,
                                                        std::string_view argument) {
    std::vector<DriftRecord> records;
    if (!has_drifts()) return records;
    SQLite::Statement query(
        sqlite, std::string("SELECT json FROM drift ") + where + " ORDER BY created_utc, key");
    if (query.getBindParameterCount() > 0) query.bind(1, std::string(argument));
    while (query.executeStep()) {
        records.push_back(drift_record_from_json(stored_json(query.getColumn(0).getString())));
    }
    return records;
}

bool Store::Database::merge(const DriftRecord& record) {
    SQLite::Statement query(sqlite, "SELECT created_utc FROM drift WHERE key = ?");
    query.bind(1, record.key);
    if (query.executeStep() && query.getColumn(0).getString() >= record.created_utc) return false;
    put_drift(record);
    return true;
}

void Store::put_drift(const DriftRecord& record) {
    assert(!record.key.empty());
    guarded(database_->path, [&] { database_->put_drift(record); });
}

std::optional<DriftRecord> Store::find_drift(std::string_view key) const {
    auto found =
        guarded(database_->path, [&] { return database_->select_drifts("WHERE key = ?", key); });
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::vector<DriftRecord> Store::all_drifts() const {
    return guarded(database_->path, [&] { return database_->select_drifts("", {}); });
}

}  // namespace bitgauge
