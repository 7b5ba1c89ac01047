#include "quantize/types_job.h"

#include "bitgauge/qtype.h"

namespace bitgauge {

QuantizeJob types_job(const std::filesystem::path& original, const ModelHeader& model,
                      const std::map<std::string, std::string>& types,
                      const std::filesystem::path& importance, const std::string& recipe_name) {
    const Recipe recipe = recipe_of_types(model, types, recipe_name);
    const Resolution resolution = resolve(model, recipe, !importance.empty());
    QuantizeJob job{
        .original = original,
        .out = original.parent_path() / "unnamed.gguf",
        .choices = {.file_type = file_type_of(recipe, resolution), .recipe = recipe_text(recipe)}};
    for (const TensorInfo& tensor : model.tensors) {
        const auto found = types.find(tensor.name);
        job.choices.tensors.push_back(
            {tensor.name, found == types.end() ? tensor.type_id : find_type(found->second)->id});
    }
    if (!importance.empty()) job.importance = importance;
    return job;
}

}  // namespace bitgauge
