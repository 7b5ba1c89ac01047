#include "bitgauge/card.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/json.h"
#include "base/units.h"
#include "report/card_parts.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

constexpr std::string_view kMark = "<!-- bitgauge card:";

// A double-quoted scalar of YAML 1.2 is a string of JSON.
std::string yaml_text(const std::string& text) {
    return Json(printable(text)).dump();
}

std::string yaml_line(const char* key, const std::string& value) {
    return value.empty() ? "" : fmt::format("{}: {}\n", key, yaml_text(value));
}

std::string yaml_of(const CardOptions& options) {
    std::string text = "---\n";
    text += yaml_line("base_model", options.base_model);
    if (!options.base_model.empty()) text += "base_model_relation: quantized\n";
    text += yaml_line("quantized_by", options.quantized_by);
    text += yaml_line("license", options.license);
    text += yaml_line("pipeline_tag", options.pipeline_tag);
    return text + "tags:\n- gguf\n---\n";
}

std::string title_text(const CardView& view) {
    if (!view.options.title.empty()) return view.options.title;
    return view.files.front().model.name + " GGUF";
}

std::string original_text(const CardView& view) {
    if (!view.boards.empty()) {
        const ModelIdentity& original = view.boards.front().rows.front().record.baseline.original;
        return fmt::format("{} ({}, {})", original.file, original.label,
                           format_bytes(original.size_bytes));
    }
    return view.files.front().model.name;
}

std::string summary(const CardView& view) {
    const ModelIdentity& model = view.files.front().model;
    return fmt::format("{} of {}: architecture {}, {} parameters.",
                       counted(view.files.size(), "GGUF file"), original_text(view),
                       model.architecture, format_count(model.parameters));
}

}  // namespace

std::string card_head(const CardView& view) {
    return yaml_of(view.options) + std::string(kMark) +
           " made from files and records; it is written again as a whole -->\n\n# " +
           markdown_escaped(title_text(view)) + "\n\n" + markdown_escaped(summary(view)) + "\n";
}

std::string model_card(const std::vector<CardFile>& files, const CardRecords& records,
                       const CardOptions& options) {
    const CardView view = card_view(files, records, options);
    std::string text = card_head(view);
    for (const auto part :
         {card_files, card_advice, card_recipes, card_running, card_measured, card_repeating}) {
        const std::string section = part(view);
        if (!section.empty()) text += "\n" + section;
    }
    return text;
}

bool is_model_card(std::string_view text) {
    return text.find(kMark) != std::string_view::npos;
}

}  // namespace bitgauge
