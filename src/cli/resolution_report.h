#pragma once

// What `bitgauge recipe explain` says of a model and a recipe, as text and as JSON.

#include <string>

#include "bitgauge/progress.h"
#include "bitgauge/recipe.h"

#include "base/json.h"

namespace bitgauge {

// Sizes, tables by role and by rule, and what fell back.
std::string resolution_text(const Resolution& resolution, const Recipe& recipe);

// Of types that are larger than asked for because rows do not fit: bits never go up silently.
void warn_of_fallbacks(const Resolution& resolution, Progress& progress);

// One paragraph per tensor whose name matches `pattern` (* and ?); Error(kInput) when none does.
std::string tensor_explanation(const Resolution& resolution, const std::string& pattern);

// `bitgauge.recipe-explain/1`; only tensors that match `pattern` unless it is "".
Json resolution_json(const Resolution& resolution, const Recipe& recipe,
                     const std::string& pattern);

}  // namespace bitgauge
