#include "cli/type_choices.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "cli/extracted_recipe.h"
#include "cli/resolution_report.h"

namespace bitgauge {
namespace {

TypeChoices types_of_file(const GgufFile& original, const std::filesystem::path& path) {
    const GgufFile file = GgufFile::open(path);
    TypeChoices choices{.recipe = extracted_recipe_text(file)};
    std::map<std::string, uint64_t> bytes;
    for (const TensorInfo& tensor : original.tensors()) {
        const TensorInfo* same = file.find_tensor(tensor.name);
        if (same == nullptr || same->shape != tensor.shape) {
            throw Error(ErrorKind::kInput,
                        fmt::format("'{}' has no tensor '{}' of the original's shape, so it gives "
                                    "no type for it",
                                    path.string(), tensor.name),
                        "take the types of a file made from the same model");
        }
        choices.tensors.push_back({tensor.name, same->type_id});
        bytes[same->type] += same->bytes;
    }
    choices.file_type = file.integer("general.file_type").value_or(file_type_of_bytes(bytes));
    return choices;
}

// The recipe without its rules: what is left is its default type.
Recipe pure(const Recipe& recipe) {
    Recipe plain{.name = recipe.name + " (pure)", .origin = recipe.name + " (pure)"};
    for (const Recipe* one = &recipe; one != nullptr; one = one->base.get()) {
        if (plain.default_type.empty()) plain.default_type = one->default_type;
        if (!plain.file_type) plain.file_type = one->file_type;
        plain.values.insert(one->values.begin(), one->values.end());  // keeps what is there
        plain.importance_types.insert(plain.importance_types.end(), one->importance_types.begin(),
                                      one->importance_types.end());
    }
    return plain;
}

bool is_preset(const Recipe& recipe) {
    const Recipe* preset = find_preset(recipe.name);
    return preset != nullptr && preset->origin == recipe.origin;
}

// A preset is known by its name. Of all else the text, then that of each file it extends.
std::string text_of(const Recipe& recipe) {
    if (is_preset(recipe)) return recipe.name;
    std::string text = recipe_text(recipe);
    for (const Recipe* one = recipe.base.get(); one != nullptr && !is_preset(*one);
         one = one->base.get()) {
        text += fmt::format("\n# what it extends: {}\n{}", one->name, recipe_text(*one));
    }
    return text;
}

Resolution resolve_for(const GgufFile& original, const Recipe& recipe, const RecipeRequest& request,
                       Progress& progress) {
    Resolution resolution =
        resolve(model_header(original), recipe, request.with_importance,
                request.keep_split ? TensorOrder::kAsInFile : TensorOrder::kByLayer);
    require_importance(resolution,
                       "give an importance file with -i, or choose a type of more bits");
    for (const std::string& note : resolution.notes) progress.warn(note);
    warn_of_fallbacks(resolution, progress);
    return resolution;
}

TypeChoices types_of_recipe(const GgufFile& original, const RecipeRequest& request,
                            Progress& progress) {
    const Recipe given = load_recipe(request.recipe);
    const Recipe recipe = request.pure ? pure(given) : given;
    const Resolution resolution = resolve_for(original, recipe, request, progress);
    TypeChoices choices{.file_type = file_type_of(recipe, resolution), .recipe = text_of(recipe)};
    for (const ResolvedTensor& tensor : resolution.tensors) {
        choices.tensors.push_back({tensor.name, find_type(tensor.type)->id});
    }
    return choices;
}

}  // namespace

TypeChoices choose_types(const GgufFile& original, const RecipeRequest& request,
                         Progress& progress) {
    const std::filesystem::path path(request.recipe);
    if (path.extension() != ".gguf") return types_of_recipe(original, request, progress);
    if (request.pure) {
        throw Error(ErrorKind::kInput, "--pure takes a recipe's default type; a GGUF file has none",
                    "leave out --pure, or name a recipe");
    }
    return types_of_file(original, path);
}

}  // namespace bitgauge
