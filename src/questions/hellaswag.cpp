#include "questions/hellaswag.h"

#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "questions/answer_text.h"
#include "questions/set_builder.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLinesPerQuestion = 6;
constexpr size_t kEndings = 4;

bool is_label(const std::string& line) {
    return line.size() == 1 && line[0] >= '0' && line[0] < static_cast<char>('0' + kEndings);
}

// Without a carriage return; empty lines at the end are none.
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        if (line.ends_with('\r')) line.pop_back();
        lines.push_back(line);
    }
    while (!lines.empty() && trimmed(lines.back()).empty()) lines.pop_back();
    return lines;
}

void require_whole(const fs::path& path, const std::vector<std::string>& lines) {
    const size_t rest = lines.size() % kLinesPerQuestion;
    if (rest == 0) return;
    reject_line(path, lines.size(),
                fmt::format("the last question has {} of {} lines", rest, kLinesPerQuestion));
}

}  // namespace

bool is_hellaswag(const std::string& text) {
    std::istringstream stream(text);
    std::string context;
    std::string label;
    if (!std::getline(stream, context) || !std::getline(stream, label)) return false;
    return !context.empty() && is_label(trimmed(label));
}

QuestionSet read_hellaswag(const fs::path& path, const std::string& text, const std::string& set) {
    require_utf8(path, text);
    const std::vector<std::string> lines = lines_of(text);
    require_whole(path, lines);
    SetBuilder builder(set.empty() ? "hellaswag" : set);
    for (size_t i = 0; i < lines.size(); i += kLinesPerQuestion) {
        const std::string label = trimmed(lines[i + 1]);
        if (!is_label(label)) {
            reject_line(
                path, i + 2,
                fmt::format("'{}' where the number of the right ending, 0 to 3, is expected",
                            lines[i + 1]));
        }
        builder.take(fmt::format("hellaswag/{}", i / kLinesPerQuestion), [&] {
            Question question;
            question.kind = AnswerKind::kContinuation;
            question.prompt = lines[i];
            question.choices.assign(&lines[i + 2], &lines[i + 2] + kEndings);
            question.correct = label[0] - '0';
            return question;
        });
    }
    return std::move(builder).finish(path);
}

}  // namespace bitgauge
