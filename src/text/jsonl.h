#pragma once

// Documents from JSON Lines: one JSON value per line, blank lines skipped.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/text.h"

namespace bitgauge {

// A line is a string, {"text": "..."}, {"messages": [...], "tools": [...]} or a bare array of
// messages; a message is an object with a string "role". "stratum" in an object overrides
// `stratum`. Keys of messages keep their order, for templates print them. Texts without a character
// that is not white space are left out. Throws Error(kInput) with `path` and the line (from 1).
std::vector<Document> parse_jsonl(std::string_view bytes, const std::filesystem::path& path,
                                  const std::string& stratum);

}  // namespace bitgauge
