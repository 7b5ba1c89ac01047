#include <fmt/format.h>

#include "questions/answer_text.h"
#include "questions/judge_parts.h"

namespace bitgauge {

Verdict judge_letter(const Question& question, const std::string& text) {
    Verdict verdict;
    verdict.found = named_letter(text);
    const std::string last = choice_letter(question.choices.size() - 1);
    const std::string right = choice_letter(static_cast<size_t>(question.correct));
    verdict.correct = verdict.found == right;
    if (verdict.found.empty()) {
        verdict.note = "it names no letter";
    } else if (verdict.found > last) {
        verdict.note = fmt::format("{} is no choice, they end with {}", verdict.found, last);
    } else if (!verdict.correct) {
        verdict.note = fmt::format("{} is right", right);
    }
    return verdict;
}

}  // namespace bitgauge
