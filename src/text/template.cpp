#include "bitgauge/template.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/limited_child.h"
#include "base/scripts.h"
#include "text/renderer.h"
#include "text/utf8.h"

namespace bitgauge {
namespace {

constexpr const char* kLintScript = "lint_template.py";
constexpr ChildLimits kLintLimits{.wall_time = std::chrono::seconds(120),
                                  .output_bytes = size_t{16} << 20};

std::string lint_job(const ChatTemplate& chat_template, bool correct) {
    return Json{{"template", chat_template.source},
                {"bos_token", chat_template.bos_token},
                {"eos_token", chat_template.eos_token},
                {"fix", correct}}
        .dump(-1, ' ', true, Json::error_handler_t::replace);
}

Severity severity_of(const std::string& word) {
    if (word == "error") return Severity::kError;
    return word == "warning" ? Severity::kWarning : Severity::kNote;
}

TemplateFinding finding_of(const Json& json) {
    return {.id = json.at("id"),
            .severity = severity_of(json.at("severity")),
            .sentence = json.at("sentence"),
            .conversations = json.at("conversations")};
}

TemplateLint lint_of(const Json& json) {
    TemplateLint lint;
    for (const Json& finding : json.at("findings")) lint.findings.push_back(finding_of(finding));
    std::ranges::stable_sort(lint.findings, std::ranges::greater(), &TemplateFinding::severity);
    lint.conversations = json.at("conversations");
    lint.unusable = json.at("unusable");
    if (!json.at("corrected").is_null()) lint.corrected = json["corrected"].get<std::string>();
    lint.changes = json.at("changes");
    return lint;
}

// The process had to be ended: no alarm of its own could, as within one power of large numbers.
TemplateLint ended_in(const std::string& conversation) {
    TemplateLint lint;
    lint.unusable = conversation.empty()
                        ? "it took too much time while it was read"
                        : fmt::format("it ran too long in the conversation '{}'", conversation);
    lint.findings = {{"runs-too-long", Severity::kError, lint.unusable, {}}};
    return lint;
}

bool was_stopped(const LimitedOutcome& outcome) {
    return outcome.timed_out || outcome.said_too_much || outcome.signal == SIGXCPU ||
           outcome.signal == SIGKILL;
}

// The script's lines: where it is, again and again, and at the end what it found.
TemplateLint read_answer(const LimitedOutcome& outcome, const std::string& interpreter) {
    std::istringstream lines(outcome.output);
    std::string conversation;
    for (std::string line; std::getline(lines, line);) {
        const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
        if (json.contains("at")) conversation = json["at"];
        if (json.contains("findings")) return lint_of(json);
    }
    if (was_stopped(outcome)) return ended_in(conversation);
    fail_renderer(interpreter, outcome.status, outcome.signal, outcome.errors);
}

}  // namespace

uint64_t TemplateLint::count(Severity severity) const {
    return static_cast<uint64_t>(
        std::ranges::count(findings, severity, &TemplateFinding::severity));
}

TemplateLint lint_template(const ChatTemplate& chat_template, bool correct) {
    require_utf8(chat_template.source, "chat template");
    const std::string interpreter = script_python();
    const LimitedOutcome outcome =
        run_limited({"/usr/bin/env", interpreter, script_path(kLintScript).string()},
                    lint_job(chat_template, correct), "", kLintLimits);
    return read_answer(outcome, interpreter);
}

}  // namespace bitgauge
