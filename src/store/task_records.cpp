#include <cassert>
#include <string>

#include "store/database.h"
#include "store/record_json.h"

namespace bitgauge {

void Store::Database::put_tasks(const TaskRecord& record) {
    SQLite::Statement insert(sqlite, "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?)");
    insert.bind(1, record.key);
    insert.bind(2, record.questions_key);
    insert.bind(3, record.created_utc);
    insert.bind(4, stored_text(to_json(record)));
    insert.exec();
}

std::vector<TaskRecord> Store::Database::select_tasks(const char* where,
                                                      std::string_view argument) {
    std::vector<TaskRecord> records;
    if (!has_tasks()) return records;
    SQLite::Statement query(
        sqlite, std::string("SELECT json FROM tasks ") + where + " ORDER BY created_utc, key");
    if (query.getBindParameterCount() > 0) query.bind(1, std::string(argument));
    while (query.executeStep()) {
        records.push_back(task_record_from_json(stored_json(query.getColumn(0).getString())));
    }
    return records;
}

bool Store::Database::merge(const TaskRecord& record) {
    SQLite::Statement query(sqlite, "SELECT created_utc FROM tasks WHERE key = ?");
    query.bind(1, record.key);
    if (query.executeStep() && query.getColumn(0).getString() >= record.created_utc) return false;
    put_tasks(record);
    return true;
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
