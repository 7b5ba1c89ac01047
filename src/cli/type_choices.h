#pragma once

// From what `-r` says to one type per tensor: the one place that changes when recipes land.

#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/quantize.h"

namespace bitgauge {

struct RecipeRequest {
    std::string recipe;  // a mixture's name ("Q4_K_M") or a GGUF file whose types are taken
    bool pure = false;
    bool keep_split = false;  // llama.cpp's mixtures count tensors in the order of the file
    bool with_importance = false;
};

// Error(kInput): no such recipe, or one that does not fit the model.
TypeChoices choose_types(const GgufFile& original, const RecipeRequest& request);

// What a mixture's name means; from libllama where the build has it.
TypeChoices mixture_types(const GgufFile& original, const RecipeRequest& request);

}  // namespace bitgauge
