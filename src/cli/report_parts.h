#pragma once

// What several reports say in the same words.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "bitgauge/gguf.h"
#include "bitgauge/recipe.h"

#include "base/json.h"

namespace bitgauge {

// "  name             value"; nothing where the value is empty.
std::string report_line(std::string_view name, const std::string& value);

// "q4_K", or "q4_K 4, q6_K 4" of tensors per type; "-" of none.
std::string types_text(const std::map<std::string, uint64_t>& types);

Json text_or_null(const std::optional<std::string>& text);

// Tensors of types that only an ik_llama.cpp build can run.
uint64_t ik_tensors(const GgufFile& file);
uint64_t ik_tensors(const Resolution& resolution);

// What a file with `tensors` such tensors runs on, as a report's line has it; "" for any build.
std::string runs_on_text(uint64_t tensors);

}  // namespace bitgauge
