#include <array>
#include <utility>

#include <fmt/format.h>

#include "questions/jsonl_sets.h"
#include "questions/row.h"
#include "questions/set_builder.h"

namespace bitgauge {
namespace {

constexpr std::array<AnswerKind, 4> kKinds = {AnswerKind::kContinuation, AnswerKind::kLetter,
                                              AnswerKind::kValue, AnswerKind::kCode};

bool recognizes(const Json& first) {
    return first.contains("kind");
}

std::string no_set(const Json&) {
    return {};
}

std::string id_of(const Json& row, size_t) {
    if (!row.contains("id")) return {};
    return row["id"].is_string() ? row["id"].get<std::string>() : row["id"].dump();
}

AnswerKind kind_of(const Json& row) {
    const std::string name = text_of(row, "kind");
    for (const AnswerKind kind : kKinds) {
        if (name == name_of(kind)) return kind;
    }
    throw BadQuestion{
        fmt::format("\"kind\" is '{}', which is none of continuation, letter, value "
                    "and code",
                    name)};
}

// A letter or an index from 0.
int32_t correct_of(const Json& row) {
    const Json& value = field_of(row, "correct");
    if (!value.is_string()) return index_of(row, "correct");
    const std::string letter = value.get<std::string>();
    if (letter.size() != 1 || letter[0] < 'A' || letter[0] > 'Z') {
        throw BadQuestion{
            fmt::format("\"correct\" is '{}', neither a letter nor a number", letter)};
    }
    return letter[0] - 'A';
}

std::string answer_of(const Json& row) {
    const Json& value = field_of(row, "answer");
    return value.is_number() ? value.dump() : text_of(row, "answer");
}

std::vector<ProgramCase> cases_of(const Json& row) {
    std::vector<ProgramCase> cases;
    if (!row.contains("cases")) return cases;
    for (const Json& each : row["cases"]) {
        if (!each.is_object()) throw BadQuestion{"\"cases\" is not a list of objects"};
        cases.push_back({text_of(each, "input"), text_of(each, "output")});
    }
    return cases;
}

void read_answer(const Json& row, Question& question) {
    switch (question.kind) {
        case AnswerKind::kContinuation:
        case AnswerKind::kLetter:
            question.choices = texts_of(row, "choices");
            question.correct = correct_of(row);
            return;
        case AnswerKind::kValue:
            question.answer = answer_of(row);
            return;
        case AnswerKind::kCode:
            question.starter = optional_text_of(row, "starter");
            question.prelude = optional_text_of(row, "prelude");
            question.tests = optional_text_of(row, "tests");
            question.cases = cases_of(row);
            return;
    }
}

Question question_of(const Json& row) {
    Question question;
    question.kind = kind_of(row);
    question.category = optional_text_of(row, "category");
    question.prompt = text_of(row, row.contains("prompt") ? "prompt" : "question");
    read_answer(row, question);
    return question;
}

}  // namespace

const JsonlFormat kOwnFormat = {recognizes, no_set, id_of, question_of};

}  // namespace bitgauge
