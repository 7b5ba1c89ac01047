#pragma once

// Comma-separated values as RFC 4180 has them, and nothing else: lines end with LF or CRLF, cells
// with commas, quotes or ends of lines are quoted, a quote within is doubled.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge {

struct CsvRow {
    size_t line = 0;  // where it begins, from 1
    std::vector<std::string> cells;
};

// All rows, the header too; rows may differ in length, empty lines are left out. Error(kInput) with
// `path` and line for a quote that is not closed, stands inside a cell, or is followed by text.
std::vector<CsvRow> parse_csv(const std::filesystem::path& path, std::string_view text);

}  // namespace bitgauge
