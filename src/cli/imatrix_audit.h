#pragma once

// Puts together what `bitgauge imatrix --audit` reports.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "bitgauge/importance.h"
#include "bitgauge/progress.h"

#include "cli/importance_report.h"

namespace bitgauge {

struct ImportanceAuditRequest {
    std::filesystem::path file;
    std::filesystem::path model;
    std::vector<std::filesystem::path> texts;    // of the importance; empty: those the file names
    std::vector<std::filesystem::path> against;  // evaluation texts
    int64_t fewest_tokens = 100;
};

// `file` is that of the request, read with BadNumbers::kKeep; it must outlive the report. Throws
// Error(kInput) where texts are to be compared and none of the file's own is there.
ImportanceReport audit_file(const Importance& file, const ImportanceAuditRequest& request,
                            Progress& progress);

// Error(kNotFinite) where the file holds NaN, infinity or negative values.
void require_sound(const ImportanceReport& report);

}  // namespace bitgauge
