#include <fmt/format.h>

#include "bitgauge/questions.h"

#include "base/hash.h"

namespace bitgauge {

std::string_view name_of(AnswerKind kind) {
    switch (kind) {
        case AnswerKind::kContinuation:
            return "continuation";
        case AnswerKind::kLetter:
            return "letter";
        case AnswerKind::kValue:
            return "value";
        case AnswerKind::kCode:
            return "code";
    }
    return "";
}

std::string question_key(const Question& question) {
    ContentHash hash;
    // Each text with its length, so that none runs into the next.
    const auto add = [&](std::string_view text) {
        hash.add(fmt::format("{}:", text.size())).add(text);
    };
    add(name_of(question.kind));
    add(question.prompt);
    for (const std::string& choice : question.choices) add(choice);
    add(fmt::format("{}", question.correct));
    add(question.answer);
    add(question.starter);
    add(question.prelude);
    add(question.tests);
    for (const ProgramCase& each : question.cases) {
        add(each.input);
        add(each.output);
    }
    return hash.hex();
}

}  // namespace bitgauge
