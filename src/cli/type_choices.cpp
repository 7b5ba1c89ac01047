#include "cli/type_choices.h"

#include <filesystem>

#include <fmt/format.h>

#include "bitgauge/error.h"

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

}  // namespace

TypeChoices choose_types(const GgufFile& original, const RecipeRequest& request) {
    const std::filesystem::path path(request.recipe);
    if (path.extension() == ".gguf") return types_of_file(original, path);
    return mixture_types(original, request);
}

}  // namespace bitgauge
