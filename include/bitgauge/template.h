#pragma once

// What is wrong with a model's chat template: it is rendered over conversations of every kind (tool
// calls, thinking, unusual orders), and what does not come back as it should is a finding.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/text.h"

namespace bitgauge {

enum class Severity { kNote, kWarning, kError };

struct TemplateFinding {
    std::string id;  // "loses-text-arguments"; docs/templates.md lists them
    Severity severity = Severity::kNote;
    std::string sentence;                    // lower case, no full stop; may quote the template
    std::vector<std::string> conversations;  // where it was seen; empty: in the source itself
};

struct TemplateLint {
    std::vector<TemplateFinding> findings;  // errors first
    uint32_t conversations = 0;             // that it was tried with
    // The template cannot be parsed, runs or writes without end, or reaches out of its sandbox:
    // the sentence of its only finding. Else empty.
    std::string unusable;
    // With a correction: the new source, one sentence per change; `findings` are those of it.
    std::optional<std::string> corrected;
    std::vector<std::string> changes;

    uint64_t count(Severity severity) const;
};

// Findings of the template, from Jinja2 of Python in a separate process with limits on memory and
// time; Python is chosen as for render_chats(). `correct`: also tries the corrections that are
// known (tool-call arguments given as JSON text); one counts only when every other conversation
// gives the same text as before. Error(kEnvironment) without a Python that has Jinja2,
// Error(kInput) for a source that is not UTF-8. Thread-safe.
TemplateLint lint_template(const ChatTemplate& chat_template, bool correct = false);

}  // namespace bitgauge
