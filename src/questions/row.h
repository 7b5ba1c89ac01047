#pragma once

// Fields of one question that is a JSON object. Each function throws BadQuestion where the field is
// missing or of another type.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace bitgauge {

// JSON that is not nested deeper than 64 levels, for the library recurses when it copies and
// writes; BadQuestion says why it is none.
Json parsed_json(std::string_view text);

const Json& field_of(const Json& row, const char* key);
std::string text_of(const Json& row, const char* key);
std::vector<std::string> texts_of(const Json& row, const char* key);
int32_t index_of(const Json& row, const char* key);

// "" where it is missing.
std::string optional_text_of(const Json& row, const char* key);

// Text that itself is JSON.
Json parsed_text_of(const Json& row, const char* key);

}  // namespace bitgauge
