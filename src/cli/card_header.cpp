#include "cli/card_header.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "base/units.h"

namespace bitgauge {
namespace {

std::string said(const GgufFile& file, const char* key) {
    return file.text(key).value_or("");
}

// "https://huggingface.co/user/name" is "user/name"; other pages are none that a card can name.
std::string repository_in(const std::string& url) {
    constexpr std::string_view kHub = "https://huggingface.co/";
    if (!url.starts_with(kHub)) return "";
    const std::string name = url.substr(kHub.size());
    return std::ranges::count(name, '/') == 1 ? name : "";
}

bool is_quantized(const GgufFile& file) {
    return std::ranges::any_of(file.tensors(), [](const TensorInfo& tensor) {
        const QType* type = find_type(tensor.type);
        return type != nullptr && type->quantized;
    });
}

std::string preset_of(const GgufFile& file) {
    if (!is_quantized(file)) return "";
    const ExtractedRecipe extracted = extract_recipe(model_header(file));
    if (extracted.presets.empty()) return "";
    const std::string label = identify_model(file, /*with_hash=*/false).label;
    for (const PresetDistance& preset : extracted.presets) {  // several may give the same types
        if (preset.tensors == 0 && preset.name == label) return label;
    }
    const PresetDistance& nearest = extracted.presets.front();
    if (nearest.tensors == 0) return nearest.name;
    return fmt::format("like {}, {} differ", nearest.name, counted(nearest.tensors, "tensor"));
}

std::vector<CardTensors> matrices_of(const GgufFile& file) {
    std::map<std::pair<std::string, std::string>, uint64_t> counts;
    for (const TensorInfo& tensor : file.tensors()) {
        if (tensor.shape.size() > 1) ++counts[{tensor_role(tensor.name), tensor.type}];
    }
    std::vector<CardTensors> matrices;
    for (const auto& [of, tensors] : counts) matrices.push_back({of.first, of.second, tensors});
    return matrices;
}

void take_plan(CardFile& card, const GgufFile& file) {
    card.promised_nats = said(file, "bitgauge.plan.promised_kld_nats");
    if (!card.promised_nats.empty()) return;
    card.promised_nats = said(file, "bitgauge.plan.guessed_kld_nats");
    card.guessed = !card.promised_nats.empty();
}

}  // namespace

void CardSayings::add(const CardSayings& other) {
    if (base_model.empty()) base_model = other.base_model;
    if (license.empty()) license = other.license;
    if (quantized_by.empty()) quantized_by = other.quantized_by;
}

CardSayings card_sayings(const GgufFile& file) {
    std::string base = repository_in(said(file, "general.source.repo_url"));
    if (base.empty()) base = repository_in(said(file, "general.base_model.0.repo_url"));
    return {.base_model = base,
            .license = said(file, "general.license"),
            .quantized_by = said(file, "general.quantized_by")};
}

CardFile card_file(const GgufFile& file, const std::filesystem::path& path, bool with_hash) {
    CardFile card{.path = path.generic_string(),
                  .model = identify_model(file, with_hash),
                  .tokenizer_hash = file.tokenizer_hash(),
                  .original_file = said(file, "bitgauge.original.file"),
                  .original_hash = said(file, "bitgauge.original.hash"),
                  .importance_file = said(file, "quantize.imatrix.file"),
                  .preset = preset_of(file),
                  .tensors = matrices_of(file)};
    take_plan(card, file);
    return card;
}

}  // namespace bitgauge
