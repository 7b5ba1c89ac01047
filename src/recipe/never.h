#pragma once

// Tensors that are never quantized unless a rule is forced: norms, routers, small matrices; private
// to this room. Which: data/recipes/never.recipe, after llama.cpp's tensor_allows_quantization().

#include "bitgauge/recipe.h"

#include "recipe/matcher.h"

namespace bitgauge {

// The rule that says so; nullptr for a tensor that may be quantized. Lives as long as the program.
const Rule* never_quantized(const ModelHeader& model, const TensorFacts& tensor);

}  // namespace bitgauge
