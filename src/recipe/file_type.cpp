#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

namespace bitgauge {

int64_t file_type_of_bytes(const std::map<std::string, uint64_t>& type_bytes) {
    constexpr int64_t kGuessed = 1024;  // LLAMA_FTYPE_GUESSED
    const auto most =
        std::ranges::max_element(type_bytes, {}, [](const auto& b) { return b.second; });
    if (most == type_bytes.end()) return kGuessed;
    const Recipe* preset = find_preset(most->first);
    if (preset != nullptr && preset->file_type) return *preset->file_type;
    for (const Recipe& other : presets()) {
        if (other.default_type == most->first && other.file_type) return *other.file_type;
    }
    return kGuessed;
}

int64_t file_type_of(const Recipe& recipe, const Resolution& resolution) {
    for (const Recipe* one = &recipe; one != nullptr; one = one->base.get()) {
        if (one->file_type) return *one->file_type;
    }
    std::map<std::string, uint64_t> bytes;
    for (const ResolvedTensor& tensor : resolution.tensors) bytes[tensor.type] += tensor.bytes;
    return file_type_of_bytes(bytes);
}

Recipe recipe_of_types(const ModelHeader& model, const std::map<std::string, std::string>& types,
                       const std::string& name) {
    ModelHeader mixed = model;
    for (TensorInfo& tensor : mixed.tensors) {
        const auto found = types.find(tensor.name);
        if (found == types.end()) continue;
        const QType* type = find_type(found->second);
        if (type == nullptr) {
            throw Error(ErrorKind::kInput,
                        fmt::format("there is no type '{}' for '{}'", found->second, tensor.name),
                        "names are ggml's: q4_K, iq3_s, q8_0");
        }
        tensor.type = type->name;
        tensor.type_id = type->id;
    }
    Recipe recipe = extract_recipe(mixed, /*any_importance=*/true).recipe;
    recipe.name = name;
    return recipe;
}

}  // namespace bitgauge
