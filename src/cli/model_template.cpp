#include "cli/model_template.h"

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/template.h"

#include "cli/template_report.h"
#include "gguf/data.h"

namespace bitgauge {
namespace {

std::string special_token(const GgufFile& model, const std::string& which) {
    const auto id = model.integer(fmt::format("tokenizer.ggml.{}_token_id", which));
    const auto tokens = read_texts(model, "tokenizer.ggml.tokens");
    const bool known = id && tokens && *id >= 0 && static_cast<size_t>(*id) < tokens->size();
    return known ? (*tokens)[static_cast<size_t>(*id)] : "";
}

std::vector<TemplateFinding> findings_of(const GgufFile& model) {
    const auto chat_template = template_of(model);
    return chat_template ? lint_template(*chat_template).findings : std::vector<TemplateFinding>();
}

}  // namespace

std::optional<ChatTemplate> template_of(const GgufFile& model) {
    const auto source = model.text(kTemplateKey);
    if (!source) return std::nullopt;
    return ChatTemplate{*source, special_token(model, "bos"), special_token(model, "eos")};
}

std::optional<TemplateDifference> TemplateDifference::of(const GgufFile& a, const GgufFile& b,
                                                         Console& console) {
    if (a.text(kTemplateKey) == b.text(kTemplateKey)) return std::nullopt;
    TemplateDifference difference;
    const auto add = [&](const GgufFile& file, bool Found::*in_file) {
        for (const TemplateFinding& finding : findings_of(file)) {
            if (finding.severity == Severity::kNote) continue;
            Found& found = difference.findings_[finding.id];
            found.severity = severity_name(finding.severity);
            found.*in_file = true;
        }
    };
    try {
        add(a, &Found::in_a);
        add(b, &Found::in_b);
    } catch (const Error& error) {
        console.progress().warn(fmt::format("the chat templates were not tried: {}", error.what()));
        return std::nullopt;
    }
    return difference;
}

std::string TemplateDifference::text() const {
    std::string text = "\nchat template checks (a | b)\n";
    const auto mark = [](bool found) { return found ? "found" : "-"; };
    for (const auto& [id, found] : findings_) {
        text += fmt::format("  {} {}: {} | {}\n", found.severity, id, mark(found.in_a),
                            mark(found.in_b));
    }
    return text + (findings_.empty() ? "  no errors and no warnings in either\n"
                                     : "  'bitgauge template FILE' says more\n");
}

Json TemplateDifference::json() const {
    Json all = Json::array();
    for (const auto& [id, found] : findings_) {
        all.push_back(
            {{"id", id}, {"severity", found.severity}, {"a", found.in_a}, {"b", found.in_b}});
    }
    return all;
}

}  // namespace bitgauge
