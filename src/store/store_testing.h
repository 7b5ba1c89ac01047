#pragma once

// Stores in folders of their own, and what SQLite says of them behind this room's back.

#include <filesystem>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

namespace bitgauge {

inline std::filesystem::path fresh_folder(const std::string& name) {
    const auto folder = std::filesystem::temp_directory_path() / ("bitgauge_store_test_" + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

// Makes the file where there is none.
inline void run_sql(const std::filesystem::path& path, const char* sql) {
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
}

inline int user_version(const std::filesystem::path& path) {
    return SQLite::Database(path.string()).execAndGet("PRAGMA user_version").getInt();
}

template <class Record>
std::vector<std::string> keys_of(const std::vector<Record>& records) {
    std::vector<std::string> keys;
    for (const Record& record : records) keys.push_back(record.key);
    return keys;
}

}  // namespace bitgauge
