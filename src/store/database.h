#pragma once

// The SQLite file behind a store, and its errors as ours; private to this room.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "bitgauge/store.h"

#include "base/json.h"

namespace bitgauge {

[[noreturn]] void fail_as_error(const std::filesystem::path& path, const SQLite::Exception& error);

// Runs `step`, turning the library's exceptions into ours.
template <class Step>
auto guarded(const std::filesystem::path& path, Step&& step) {
    try {
        return step();
    } catch (const SQLite::Exception& error) {
        fail_as_error(path, error);
    }
}

// Names come from file systems and model files: bytes that are no UTF-8 are replaced.
inline std::string stored_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}
inline Json stored_json(const std::string& text) {
    return Json::parse(text, nullptr, /*allow_exceptions=*/false);  // no JSON has no schema
}

struct Store::Database {
    Database(const std::filesystem::path& file, Access access);

    // A store of an earlier layout, opened for reading, lacks tables.
    bool has_sweeps() const { return has_sweeps_; }
    bool has_tasks() const { return has_tasks_; }
    bool has_drifts() const { return has_drifts_; }

    // Tables of a key, what the record is about, its time and its JSON. A record is newer where
    // none of its key is there, or an earlier one.
    void put_keyed(const char* table, const std::string& key, const std::string& about,
                   const std::string& created_utc, const Json& json);
    std::vector<Json> select_json(const char* table, const char* where, std::string_view argument);
    bool is_newer(const char* table, const std::string& key, const std::string& created_utc);

    void put_tasks(const TaskRecord& record);
    std::vector<TaskRecord> select_tasks(const char* where, std::string_view argument);
    // Where it is absent here, or older; whether it was taken.
    bool merge(const TaskRecord& record);

    // The same of continuations.
    void put_drift(const DriftRecord& record);
    std::vector<DriftRecord> select_drifts(const char* where, std::string_view argument);
    bool merge(const DriftRecord& record);

    void put_head(const SweepTable& sweep);
    void put_tensor(const std::string& sweep_key, const TensorCost& tensor);
    void put_mix(const std::string& sweep_key, const MeasuredMix& mix);
    std::vector<SweepTable> select_sweeps(const char* where, std::string_view argument);
    // Takes tensors that are absent here or have fewer probes here, and mixes that are absent here;
    // returns how many were taken.
    size_t merge(const SweepTable& sweep);

    std::filesystem::path path;
    SQLite::Database sqlite;

  private:
    void add_parts(SweepTable& sweep);
    void put_part(const char* table, const std::string& sweep_key, const std::string& name,
                  const Json& json);
    int pragma(const char* name);
    void prepare(Access access);
    void create_or_upgrade();
    void add_layout(const char* tables, int version);
    void require_ours();

    bool has_sweeps_ = false;
    bool has_tasks_ = false;
    bool has_drifts_ = false;
};

}  // namespace bitgauge
