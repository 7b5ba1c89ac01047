#pragma once

// Where measurements are kept: one SQLite file of records, found again by content key.
//
// Goals: a record survives a kill at any moment, equal keys never stand twice, two machines' files
// merge into one. Non-goals: queries over single figures (read the records, they are small).
// The layout of a record's JSON text and of the database is docs/formats/store.md.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "bitgauge/drift_record.h"
#include "bitgauge/record.h"
#include "bitgauge/sweep_table.h"
#include "bitgauge/task_record.h"

namespace bitgauge {

// One open store. Several processes may hold the same file: a writer waits up to 30 s for another.
// Thread-compatible: one thread at a time per object.
//
// Every function throws Error: kInput for a file that is no store (not a database, a database of
// something else, one written by a newer bitgauge), kEnvironment when the file cannot be read or
// written (no space left, read-only, locked).
class Store {
  public:
    enum class Access {
        kReadWrite,  // creates the file when it is absent; the folder must exist
        kReadOnly,   // the file must exist
    };

    explicit Store(const std::filesystem::path& path, Access access = Access::kReadWrite);
    ~Store();
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;

    // Adds the record, in place of the one with the same key. Requires a non-empty key.
    void put(const MeasureRecord& record);

    std::optional<MeasureRecord> find(std::string_view key) const;

    // Oldest first (by created_utc, then key).
    std::vector<MeasureRecord> all() const;
    std::vector<MeasureRecord> of_baseline(std::string_view baseline_key) const;

    // The same of answers to questions.
    void put_tasks(const TaskRecord& record);
    std::optional<TaskRecord> find_tasks(std::string_view key) const;
    std::vector<TaskRecord> all_tasks() const;  // oldest first

    // The same of continuations beside the original's.
    void put_drift(const DriftRecord& record);
    std::optional<DriftRecord> find_drift(std::string_view key) const;
    std::vector<DriftRecord> all_drifts() const;  // oldest first

    // Sweeps grow tensor by tensor. The head (all but the tensors) is kept as it was put first.
    void put_sweep(const SweepTable& head);
    void put_tensor(std::string_view sweep_key, const TensorCost& tensor);  // in place of its like
    void put_mix(std::string_view sweep_key, const MeasuredMix& mix);
    // With their tensors, in order of layer and name; all_sweeps() oldest first.
    std::optional<SweepTable> find_sweep(std::string_view key) const;
    std::vector<SweepTable> all_sweeps() const;

    // Takes every record of `other` (of answers and continuations, too) that is absent here or
    // older here, every tensor of a sweep that is absent here or has fewer probes here, and every
    // mix of a sweep that is absent here; all of them or, on an error, none. Returns how many were
    // taken.
    size_t merge(const std::filesystem::path& other);

  private:
    struct Database;
    std::unique_ptr<Database> database_;
};

}  // namespace bitgauge
