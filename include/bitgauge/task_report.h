#pragma once

// How often models answered right, beside each other and against the original, from records alone.
//
// As report.h: pure, thread-safe, UTF-8. Accuracies are shares in [0, 1]; higher is better. A
// difference that is not decided is called that, never a rank.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/accuracy.h"
#include "bitgauge/table_options.h"
#include "bitgauge/task_record.h"

namespace bitgauge {

struct TaskRow {
    TaskRecord record;
    std::string name;              // short, unique in its table
    Estimate accuracy;             // over questions [Wilson 1927]
    Estimate clustered;            // over categories
    std::vector<Estimate> by_set;  // Wilson; one per set of the table
    // Against the original on the same questions; none for the original itself.
    std::optional<AccuracyComparison> against;
    // How many questions would decide a difference as large as was seen, with as many questions
    // changed; nothing where it is decided, or where there is none.
    std::optional<uint64_t> questions_needed;
};

// Files that answered the same questions under the same settings, the original first, then by size,
// largest first.
struct TaskReport {
    std::vector<TaskRow> rows;
    bool has_original = false;
    std::vector<std::string> sets;
    uint64_t questions = 0;
    uint64_t clusters = 0;
    double alpha = 0.05;
    // The smallest difference this many questions can decide, at the discordance seen most; nothing
    // without a comparison.
    std::optional<double> detectable;
};

// `original_hash`: content hash of the original's file, "" for none. Requires records;
// Error(kInput) where they are of different questions or settings, or damaged.
TaskReport build_task_report(std::span<const TaskRecord> records,
                             std::string_view original_hash = {}, double alpha = 0.05);

// One table for each set of questions, way of asking and model (an architecture, and a size: no
// less than two thirds of the weights), in order of first appearance. The original of a table is
// the file that is one of `original_hashes`, else the largest in BF16, F16 or F32, else none.
std::vector<TaskReport> build_task_reports(std::span<const TaskRecord> records,
                                           std::span<const std::string> original_hashes = {},
                                           double alpha = 0.05);

std::string terminal_table(const TaskReport& report, const TableOptions& options = {});
std::string markdown_table(const TaskReport& report, const TableOptions& options = {});
// {"schema": "bitgauge.task-report/1", "rows", "records", ...}
std::string json(const TaskReport& report);

}  // namespace bitgauge
