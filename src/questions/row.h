#pragma once

// Fields of one question that is a JSON object. Each function throws BadQuestion where the field is
// missing or of another type.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace bitgauge {

const Json& field_of(const Json& row, const char* key);
std::string text_of(const Json& row, const char* key);
std::vector<std::string> texts_of(const Json& row, const char* key);
int32_t index_of(const Json& row, const char* key);

// "" where it is missing.
std::string optional_text_of(const Json& row, const char* key);

// Text that itself is JSON.
Json parsed_text_of(const Json& row, const char* key);

}  // namespace bitgauge
