#include "cli/template_report.h"

#include <fmt/format.h>

#include "base/units.h"
#include "cli/help.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

constexpr size_t kIndent = 9;
constexpr size_t kWidth = 80 - kIndent;

std::string indented(const std::string& text) {
    const std::string margin(kIndent, ' ');
    std::string lines = margin;
    for (const char c : wrapped(text, kWidth))
        lines += c == '\n' ? "\n" + margin : std::string(1, c);
    return lines + "\n";
}

std::string finding_text(const TemplateFinding& finding) {
    std::string text =
        fmt::format("\n{:<{}}{}\n", severity_name(finding.severity), kIndent, finding.id) +
        indented(printable(finding.sentence));
    if (finding.conversations.empty()) return text;
    return text + indented(fmt::format("in: {}", fmt::join(finding.conversations, ", ")));
}

std::string counts_text(const TemplateLint& lint) {
    return fmt::format("\n{}, {}, {}\n", counted(lint.count(Severity::kError), "error"),
                       counted(lint.count(Severity::kWarning), "warning"),
                       counted(lint.count(Severity::kNote), "note"));
}

}  // namespace

const char* severity_name(Severity severity) {
    switch (severity) {
        case Severity::kError:
            return "error";
        case Severity::kWarning:
            return "warning";
        case Severity::kNote:
            return "note";
    }
    return "";
}

std::string template_text(const std::string& name, const TemplateLint& lint) {
    std::string text = fmt::format("chat template of {}", name);
    if (lint.conversations > 0)
        text += fmt::format(": {} tried", counted(lint.conversations, "conversation"));
    text += "\n";
    if (!lint.changes.empty()) text += "\ncorrected\n";
    for (const std::string& change : lint.changes) text += indented(change);
    for (const TemplateFinding& finding : lint.findings) text += finding_text(finding);
    return text + counts_text(lint);
}

Json template_json(const std::string& name, const TemplateLint& lint) {
    Json findings = Json::array();
    for (const TemplateFinding& finding : lint.findings) {
        findings.push_back({{"id", finding.id},
                            {"severity", severity_name(finding.severity)},
                            {"sentence", finding.sentence},
                            {"conversations", finding.conversations}});
    }
    return {{"schema", "bitgauge.template/1"},
            {"file", name},
            {"conversations", lint.conversations},
            {"usable", lint.unusable.empty()},
            {"changes", lint.changes},
            {"findings", findings}};
}

}  // namespace bitgauge
