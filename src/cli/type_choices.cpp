#include "cli/type_choices.h"

#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "base/units.h"

namespace bitgauge {
namespace {

TypeChoices types_of_file(const GgufFile& original, const std::filesystem::path& path) {
    const GgufFile file = GgufFile::open(path);
    TypeChoices choices{.recipe = fmt::format("types of {}", path.filename().string())};
    for (const TensorInfo& tensor : original.tensors()) {
        const TensorInfo* same = file.find_tensor(tensor.name);
        if (same == nullptr || same->shape != tensor.shape) {
            throw Error(ErrorKind::kInput,
                        fmt::format("'{}' has no tensor '{}' of the original's shape, so it gives "
                                    "no type for it",
                                    path.string(), tensor.name),
                        "take the types of a file made from the same model");
        }
        choices.tensors.push_back({tensor.name, same->type_id, "as in the file"});
    }
    choices.file_type = file.integer("general.file_type").value_or(0);
    return choices;
}

// The recipe without its rules: what is left is its default type.
Recipe pure(const Recipe& recipe) {
    Recipe plain{.name = recipe.name + " (pure)", .origin = recipe.origin};
    for (const Recipe* one = &recipe; one != nullptr; one = one->base.get()) {
        if (plain.default_type.empty()) plain.default_type = one->default_type;
        if (!plain.file_type) plain.file_type = one->file_type;
    }
    if (!plain.default_type.empty()) return plain;
    throw Error(ErrorKind::kInput, fmt::format("recipe '{}' has no default type", recipe.name),
                "--pure takes the default type of a recipe for every matrix");
}

int64_t file_type_of(const Recipe& recipe) {
    for (const Recipe* one = &recipe; one != nullptr; one = one->base.get()) {
        if (one->file_type) return *one->file_type;
    }
    return 0;
}

// Its own rules where it is a file; a preset is known by its name.
std::string text_of(const Recipe& recipe) {
    return find_preset(recipe.name) != nullptr ? recipe.name : recipe_text(recipe);
}

// Bits never go up silently.
void tell_fallbacks(const Resolution& resolution, Progress& progress) {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> tensors;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (tensor.fell_back()) tensors[{tensor.wanted, tensor.type}].push_back(tensor.name);
    }
    for (const auto& [types, names] : tensors) {
        progress.warn(fmt::format("{} instead of {} for {}: their rows are no whole blocks of it",
                                  types.second, types.first, some_of(names)));
    }
}

TypeChoices types_of_recipe(const GgufFile& original, const RecipeRequest& request,
                            Progress& progress) {
    const Recipe given = load_recipe(request.recipe);
    const Recipe recipe = request.pure ? pure(given) : given;
    const Resolution resolution = resolve(model_header(original), recipe, request.with_importance);
    require_importance(resolution,
                       "give an importance file with -i, or choose a type of more bits");
    for (const std::string& note : resolution.notes) progress.warn(note);
    tell_fallbacks(resolution, progress);
    TypeChoices choices{.file_type = file_type_of(recipe), .recipe = text_of(recipe)};
    for (const ResolvedTensor& tensor : resolution.tensors) {
        choices.tensors.push_back({tensor.name, find_type(tensor.type)->id,
                                   fmt::format("{}: {}", tensor.recipe, tensor.rule)});
    }
    return choices;
}

}  // namespace

TypeChoices choose_types(const GgufFile& original, const RecipeRequest& request,
                         Progress& progress) {
    const std::filesystem::path path(request.recipe);
    if (path.extension() == ".gguf") return types_of_file(original, path);
    return types_of_recipe(original, request, progress);
}

}  // namespace bitgauge
