#pragma once

// The recipes of data/recipes/, which are part of the program. Written into the build by
// cmake/EmbedFiles.cmake.

#include <cstddef>
#include <span>
#include <string_view>

namespace bitgauge {

struct EmbeddedRecipe {
    std::string_view name;  // "llama.cpp.recipe"
    std::string_view content;
};

extern const EmbeddedRecipe kEmbeddedRecipes[];
extern const std::size_t kEmbeddedRecipesCount;

inline std::span<const EmbeddedRecipe> embedded_recipes() {
    return {kEmbeddedRecipes, kEmbeddedRecipesCount};
}

}  // namespace bitgauge
