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
    bool keep_split = false;  // counting goes by the order in the file, as llama-quantize's does
};

// The recipe that is kept in the file: a preset's name, the whole text of a recipe file and of
// those it extends, or what a GGUF file's types come down to. Its general.file_type is the
// recipe's, else that of the type with the most bytes.
//
// Warns of types that are larger than asked for because rows do not fit, and of rules that decide
// nothing. Error(kInput): no such recipe, or one that does not fit the model.
TypeChoices choose_types(const GgufFile& original, const RecipeRequest& request,
                         Progress& progress);

}  // namespace bitgauge
