#pragma once

// A model's tensors as rules see them, and those that are never quantized unless a rule is forced:
// norms, routers, small matrices; private to this room. Which: data/recipes/never.recipe, after
// llama.cpp's tensor_allows_quantization().

#include <vector>

#include "bitgauge/recipe.h"

#include "recipe/matcher.h"

namespace bitgauge {

// Made once per model, for any number of recipes. Keeps a reference to the model.
struct ModelView {
    explicit ModelView(const ModelHeader& model);

    const ModelHeader& model;
    std::vector<TensorFacts> facts;  // one per tensor, in the model's order
};

// resolve() of recipe.h.
Resolution resolve_view(const ModelView& view, const Recipe& recipe, bool importance,
                        TensorOrder order = TensorOrder::kByLayer);

}  // namespace bitgauge
