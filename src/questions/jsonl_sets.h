#pragma once

// Question sets with one JSON object per line: bitgauge's own format and published ones.

#include <cstddef>
#include <filesystem>
#include <string>

#include "bitgauge/questions.h"

#include "base/json.h"

namespace bitgauge {

// How one such format is read. The functions get whole objects.
struct JsonlFormat {
    bool (*recognizes)(const Json& first);
    std::string (*set_of)(const Json& first);              // "": the file's name
    std::string (*id_of)(const Json& row, size_t number);  // from 0; "": the line's number
    Question (*question_of)(const Json& row);              // without id and set; throws BadQuestion
};

extern const JsonlFormat kOwnFormat;
extern const JsonlFormat kMmluPro;
extern const JsonlFormat kMath500;
extern const JsonlFormat kGsm8k;
extern const JsonlFormat kHumanEval;
extern const JsonlFormat kCommonsense;
extern const JsonlFormat kLiveCodeBench;

// Throws Error(kInput) with path and line.
QuestionSet read_jsonl_set(const std::filesystem::path& path, const std::string& text,
                           const std::string& set, const std::string& file_set);

}  // namespace bitgauge
