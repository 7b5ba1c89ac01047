#pragma once

// What `bitgauge inspect --recipe` says of one file: the recipe it follows, as text and as JSON.

#include <string>

#include "bitgauge/gguf.h"

#include "base/json.h"

namespace bitgauge {

// A recipe that can be used as it is; comments say which presets are near.
std::string extracted_recipe_text(const GgufFile& file);

Json extracted_recipe_json(const GgufFile& file);

}  // namespace bitgauge
