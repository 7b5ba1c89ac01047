#pragma once

// From what `-r` says to one type per tensor.

#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/progress.h"
#include "bitgauge/quantize.h"

namespace bitgauge {

struct RecipeRequest {
    std::string recipe;  // a preset's name, a recipe file, or a GGUF file whose types are taken
    bool pure = false;   // every matrix in the recipe's default type
    bool with_importance = false;
};

// Warns of types that are larger than asked for because rows do not fit, and of rules that decide
// nothing. Error(kInput): no such recipe, or one that does not fit the model.
TypeChoices choose_types(const GgufFile& original, const RecipeRequest& request,
                         Progress& progress);

}  // namespace bitgauge
