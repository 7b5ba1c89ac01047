#pragma once

// From one type per tensor to a job of the quantizer.

#include <filesystem>
#include <map>
#include <string>

#include "bitgauge/quantize.h"
#include "bitgauge/recipe.h"

namespace bitgauge {

// `types`: tensor -> type; tensors that are absent stay. `importance` may be empty. The recipe in
// the file is the shortest that gives these types.
QuantizeJob types_job(const std::filesystem::path& original, const ModelHeader& model,
                      const std::map<std::string, std::string>& types,
                      const std::filesystem::path& importance, const std::string& recipe_name);

}  // namespace bitgauge
