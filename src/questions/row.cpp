#include "questions/row.h"

#include <fmt/format.h>

#include "questions/set_builder.h"

namespace bitgauge {
namespace {

[[noreturn]] void fail_type(const char* key, const char* expected, const Json& value) {
    throw BadQuestion{
        fmt::format("\"{}\" is {} where {} is expected", key, value.type_name(), expected)};
}

constexpr int kDeepest = 64;

}  // namespace

Json parsed_json(std::string_view text) {
    const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
        if (depth > kDeepest) {
            throw BadQuestion{fmt::format("nested deeper than {} levels", kDeepest)};
        }
        return true;
    };
    try {
        return Json::parse(text, limit_depth);
    } catch (const Json::exception& error) {
        throw BadQuestion{fmt::format("not JSON: {}", reason_of(error))};
    }
}

const Json& field_of(const Json& row, const char* key) {
    const auto found = row.find(key);
    if (found == row.end() || found->is_null()) throw BadQuestion{fmt::format("no \"{}\"", key)};
    return *found;
}

std::string text_of(const Json& row, const char* key) {
    const Json& value = field_of(row, key);
    if (!value.is_string()) fail_type(key, "text", value);
    return value.get<std::string>();
}

std::vector<std::string> texts_of(const Json& row, const char* key) {
    const Json& values = field_of(row, key);
    if (!values.is_array()) fail_type(key, "a list", values);
    std::vector<std::string> texts;
    for (const Json& value : values) {
        if (!value.is_string()) fail_type(key, "a list of text", value);
        texts.push_back(value.get<std::string>());
    }
    return texts;
}

int32_t index_of(const Json& row, const char* key) {
    const Json& value = field_of(row, key);
    if (!value.is_number_integer()) fail_type(key, "a whole number", value);
    const auto index = value.get<int64_t>();
    if (index < 0 || index > INT32_MAX) {
        throw BadQuestion{fmt::format("\"{}\" is {}, which is no index", key, index)};
    }
    return static_cast<int32_t>(index);
}

std::string optional_text_of(const Json& row, const char* key) {
    return row.contains(key) && !row[key].is_null() ? text_of(row, key) : std::string();
}

Json parsed_text_of(const Json& row, const char* key) {
    const Json& value = field_of(row, key);
    if (!value.is_string()) return value;
    try {
        return parsed_json(value.get_ref<const std::string&>());
    } catch (const BadQuestion& bad) {
        throw BadQuestion{fmt::format("\"{}\" is {}", key, bad.reason)};
    }
}

}  // namespace bitgauge
