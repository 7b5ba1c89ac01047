#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "questions/answer_text.h"
#include "questions/judge_parts.h"
#include "questions/value_text.h"

namespace bitgauge {
namespace {

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(trimmed(text));
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// Equal texts, or numbers of one value: "0.50" is "0.5".
bool same_word(const std::string& a, const std::string& b) {
    if (a == b) return true;
    const std::optional<std::string> number = plain_number(a);
    return number && number == plain_number(b);
}

bool same_words(const std::string& a, const std::string& b) {
    const std::vector<std::string> left = words_of(a);
    const std::vector<std::string> right = words_of(b);
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), same_word);
}

bool same_lines(const std::string& a, const std::string& b) {
    const std::vector<std::string> left = lines_of(a);
    const std::vector<std::string> right = lines_of(b);
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), same_words);
}

// "" where all cases are passed.
std::string failed_case(const Question& question, PythonJob job, const Sandbox& sandbox) {
    job.tests.clear();
    for (size_t i = 0; i < question.cases.size(); ++i) {
        job.input = question.cases[i].input;
        const PythonOutcome outcome = sandbox.run(job);
        const std::string place = fmt::format("case {} of {}", i + 1, question.cases.size());
        if (!outcome.passed) return fmt::format("{}: {}", place, outcome.note);
        if (!same_lines(outcome.output, question.cases[i].output)) {
            return fmt::format("{}: its output is not the right one", place);
        }
    }
    return {};
}

std::string failed_tests(const PythonJob& job, const Sandbox& sandbox) {
    if (job.tests.empty()) return {};
    const PythonOutcome outcome = sandbox.run(job);
    return outcome.passed ? std::string() : outcome.note;
}

}  // namespace

Verdict judge_code(const Question& question, const std::string& text, const Sandbox& sandbox) {
    Verdict verdict;
    verdict.found = last_code_block(text).value_or(text);
    if (trimmed(verdict.found).empty()) {
        verdict.note = "there is no program in it";
        return verdict;
    }
    const PythonJob job{question.prelude, question.starter, verdict.found, question.tests, ""};
    verdict.note = failed_tests(job, sandbox);
    if (verdict.note.empty()) verdict.note = failed_case(question, job, sandbox);
    verdict.correct = verdict.note.empty();
    return verdict;
}

}  // namespace bitgauge
