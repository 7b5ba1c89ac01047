#include <cassert>
#include <string>

#include "store/database.h"
#include "store/record_json.h"

namespace bitgauge {

void Store::Database::put_drift(const DriftRecord& record) {
    put_keyed("drift", record.key, record.baseline_key, record.created_utc, to_json(record));
}

std::vector<DriftRecord> Store::Database::select_drifts(const char* where,
                                                        std::string_view argument) {
    std::vector<DriftRecord> records;
    if (!has_drifts()) return records;
    for (const Json& json : select_json("drift", where, argument)) {
        records.push_back(drift_record_from_json(json));
    }
    return records;
}

bool Store::Database::merge(const DriftRecord& record) {
    const bool taken = is_newer("drift", record.key, record.created_utc);
    if (taken) put_drift(record);
    return taken;
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
