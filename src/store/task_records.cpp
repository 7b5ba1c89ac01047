#include <cassert>
#include <string>

#include "store/database.h"
#include "store/record_json.h"

namespace bitgauge {

void Store::Database::put_tasks(const TaskRecord& record) {
    put_keyed("tasks", record.key, record.questions_key, record.created_utc, to_json(record));
}

std::vector<TaskRecord> Store::Database::select_tasks(const char* where,
                                                      std::string_view argument) {
    std::vector<TaskRecord> records;
    if (!has_tasks()) return records;
    for (const Json& json : select_json("tasks", where, argument)) {
        records.push_back(task_record_from_json(json));
    }
    return records;
}

bool Store::Database::merge(const TaskRecord& record) {
    const bool taken = is_newer("tasks", record.key, record.created_utc);
    if (taken) put_tasks(record);
    return taken;
}

void Store::put_tasks(const TaskRecord& record) {
    assert(!record.key.empty());
    guarded(database_->path, [&] { database_->put_tasks(record); });
}

std::optional<TaskRecord> Store::find_tasks(std::string_view key) const {
    auto found =
        guarded(database_->path, [&] { return database_->select_tasks("WHERE key = ?", key); });
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::vector<TaskRecord> Store::all_tasks() const {
    return guarded(database_->path, [&] { return database_->select_tasks("", {}); });
}

}  // namespace bitgauge
