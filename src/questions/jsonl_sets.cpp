#include "questions/jsonl_sets.h"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "questions/lines.h"
#include "questions/row.h"
#include "questions/set_builder.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// In the order in which they are tried; what says its kind is bitgauge's own.
const std::array<const JsonlFormat*, 7> kFormats = {
    &kOwnFormat, &kMmluPro, &kMath500, &kHumanEval, &kLiveCodeBench, &kCommonsense, &kGsm8k};

const JsonlFormat& format_of(const Json& first, const fs::path& path, size_t line) {
    for (const JsonlFormat* format : kFormats) {
        if (format->recognizes(first)) return *format;
    }
    std::string keys;
    for (const auto& item : first.items()) keys += (keys.empty() ? "" : ", ") + item.key();
    reject_line(path, line, fmt::format("no known set has questions with the keys {}", keys));
}

Json parse_row(std::string_view line, const fs::path& path, size_t number) {
    Json row;
    try {
        row = parsed_json(line);
    } catch (const BadQuestion& bad) {
        reject_line(path, number, bad.reason);
    }
    if (!row.is_object()) {
        reject_line(path, number, fmt::format("a {} where an object is expected", row.type_name()));
    }
    return row;
}

std::string first_name(const std::string& asked, const std::string& own, const std::string& file) {
    if (!asked.empty()) return asked;
    return own.empty() ? file : own;
}

}  // namespace

QuestionSet read_jsonl_set(const fs::path& path, const std::string& text, const std::string& set,
                           const std::string& file_set) {
    const JsonlFormat* format = nullptr;
    SetBuilder builder(set);
    for_each_line(text, [&](std::string_view bytes, size_t line) {
        const Json row = parse_row(bytes, path, line);
        if (format == nullptr) {
            format = &format_of(row, path, line);
            builder = SetBuilder(first_name(set, format->set_of(row), file_set));
        }
        std::string id = format->id_of(row, builder.seen());
        if (id.empty()) id = fmt::format("line {}", line);
        builder.take(id, [&] { return format->question_of(row); });
    });
    return std::move(builder).finish(path);
}

}  // namespace bitgauge
