#pragma once

// What `bitgauge diff` says of two files, as text and as JSON.

#include <string>

#include "base/json.h"

#include "recipe/file_difference.h"

namespace bitgauge {

// Sizes, a table by role, keys by kind; each tensor that differs where `with_tensors`.
std::string difference_text(const GgufFile& a, const GgufFile& b, bool with_tensors);

// `bitgauge.diff/1`; null where a file has none.
Json difference_json(const GgufFile& a, const GgufFile& b);

}  // namespace bitgauge
