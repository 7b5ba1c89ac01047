#include "cli/extracted_recipe.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/recipe.h"

#include "cli/report_parts.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

constexpr size_t kShown = 3;  // presets in the text; JSON has ten
constexpr size_t kKept = 10;

std::string with_importance(bool importance) {
    return importance ? " with importance" : "";
}

double share(const PresetDistance& preset, const GgufFile& file) {
    return file.tensor_bytes() == 0 ? 0.0
                                    : 100.0 * static_cast<double>(preset.differing) /
                                          static_cast<double>(file.tensor_bytes());
}

std::string preset_line(const PresetDistance& preset, const GgufFile& file) {
    if (preset.tensors == 0) {
        return fmt::format("# equals the preset {}{}\n", preset.name,
                           with_importance(preset.importance));
    }
    return fmt::format(
        "# resembles the preset {}{}: {} of {} tensors differ, {:.1f} % of the bytes\n",
        preset.name, with_importance(preset.importance), preset.tensors, file.tensors().size(),
        share(preset, file));
}

// All that it equals, else the nearest few.
std::string presets_text(const ExtractedRecipe& extracted, const GgufFile& file) {
    std::string text;
    if (file.tensors().empty()) return text;
    const bool equal = !extracted.presets.empty() && extracted.presets.front().tensors == 0;
    for (size_t i = 0; i < extracted.presets.size(); ++i) {
        const PresetDistance& preset = extracted.presets[i];
        if (equal ? preset.tensors > 0 : i >= kShown) break;
        text += preset_line(preset, file);
    }
    return text;
}

std::string ik_text(const GgufFile& file) {
    const uint64_t ik = ik_tensors(file);
    if (ik == 0) return "";
    return fmt::format("# {} of {} tensors have types that only an ik_llama.cpp build can run\n",
                       ik, file.tensors().size());
}

ExtractedRecipe extract(const GgufFile& file) {
    ExtractedRecipe extracted = extract_recipe(model_header(file));
    const std::string name = file.shards().front().filename().string();
    extracted.recipe.name = printable(file.shards().front().stem().string());
    extracted.recipe.source = fmt::format("extracted from {}", printable(name));
    return extracted;
}

}  // namespace

std::string extracted_recipe_text(const GgufFile& file) {
    const ExtractedRecipe extracted = extract(file);
    std::string text = presets_text(extracted, file) + ik_text(file);
    if (extracted.importance) text += "# resolves to these types where importance is given\n";
    return text + recipe_text(extracted.recipe);
}

Json extracted_recipe_json(const GgufFile& file) {
    const ExtractedRecipe extracted = extract(file);
    Json near = Json::array();
    for (size_t i = 0; i < std::min(kKept, extracted.presets.size()); ++i) {
        const PresetDistance& preset = extracted.presets[i];
        near.push_back({{"name", preset.name},
                        {"importance", preset.importance},
                        {"differing_tensors", preset.tensors},
                        {"differing_bytes", preset.differing}});
    }
    return {{"extends", extracted.recipe.extends},
            {"rules", extracted.recipe.rules.size()},
            {"importance", extracted.importance},
            {"text", recipe_text(extracted.recipe)},
            {"presets", near}};
}

}  // namespace bitgauge
