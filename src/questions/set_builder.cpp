#include "questions/set_builder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/hash.h"
#include "base/json.h"

namespace bitgauge {
namespace {

constexpr size_t kMostLetters = 26;
constexpr size_t kMostChoices = 100;  // what llama-perplexity takes

void require(bool good, const std::string& reason) {
    if (!good) throw BadQuestion{reason};
}

bool is_blank(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

void check_choices(const Question& question) {
    const std::vector<std::string>& choices = question.choices;
    const size_t most = question.kind == AnswerKind::kLetter ? kMostLetters : kMostChoices;
    require(choices.size() >= 2 && choices.size() <= most,
            fmt::format("{} choices, where 2 to {} can be", choices.size(), most));
    require(question.correct >= 0 && static_cast<size_t>(question.correct) < choices.size(),
            fmt::format("the right choice is number {} of {}", question.correct, choices.size()));
    std::vector<std::string> sorted = choices;
    std::sort(sorted.begin(), sorted.end());
    require(!is_blank(sorted.front()), "a choice is empty");
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    require(twice == sorted.end(), fmt::format("the choice '{}' is there twice",
                                               twice == sorted.end() ? std::string() : *twice));
}

void check(const Question& question) {
    require(!is_blank(question.prompt), "nothing is asked");
    switch (question.kind) {
        case AnswerKind::kContinuation:
        case AnswerKind::kLetter:
            return check_choices(question);
        case AnswerKind::kValue:
            return require(!is_blank(question.answer), "no right answer");
        case AnswerKind::kCode:
            return require(!is_blank(question.tests) || !question.cases.empty(), "no tests");
    }
}

std::string content_hash_of(const std::vector<Question>& questions) {
    std::vector<std::string> hashes;
    for (const Question& question : questions) {
        hashes.push_back(hash_text(question.id));
        hashes.push_back(hash_text(question.category));
        hashes.push_back(question_key(question));
    }
    return combined_hash(hashes);
}

}  // namespace

void SetBuilder::add(Question question) {
    check(question);
    require(ids_.insert(question.id).second, "an earlier question has the same id");
    set_.questions.push_back(std::move(question));
}

QuestionSet SetBuilder::finish(const std::filesystem::path& path) && {
    if (set_.questions.empty()) {
        const std::string why =
            set_.skipped.empty()
                ? "it is empty"
                : fmt::format("{} are not fit, the first, '{}', because: {}", set_.skipped.size(),
                              set_.skipped[0].id, set_.skipped[0].reason);
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' has no question that can be asked: {}", path.string(), why));
    }
    set_.content_hash = content_hash_of(set_.questions);
    return std::move(set_);
}

void reject_line(const std::filesystem::path& path, size_t line, const std::string& why) {
    throw Error(ErrorKind::kInput, fmt::format("'{}' line {}: {}", path.string(), line, why),
                "docs/formats/questions.md says what is read");
}

void require_utf8(const std::filesystem::path& path, const std::string& text) {
    try {
        Json(text).dump();
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is not UTF-8: {}", path.string(), reason_of(error)));
    }
}

}  // namespace bitgauge
