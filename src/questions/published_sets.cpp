// One block per published set; what the fields are is their publishers' decision.

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string_view>

#include <fmt/format.h>

#include "questions/answer_text.h"
#include "questions/jsonl_sets.h"
#include "questions/row.h"
#include "questions/set_builder.h"

namespace bitgauge {
namespace {

bool has(const Json& row, std::initializer_list<const char*> keys) {
    return std::all_of(keys.begin(), keys.end(),
                       [&](const char* key) { return row.contains(key); });
}

std::string text_or_nothing(const Json& row, const char* key) {
    return row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : std::string();
}

// --- MMLU-Pro (Wang et al. 2024)
// ------------------------------------------------------------------

bool is_mmlu_pro(const Json& first) {
    return has(first, {"options", "answer_index"});
}

std::string mmlu_pro_set(const Json&) {
    return "mmlu-pro";
}

std::string mmlu_pro_id(const Json& row, size_t) {
    return row.contains("question_id") ? row["question_id"].dump() : std::string();
}

Question mmlu_pro_question(const Json& row) {
    Question question;
    question.category = optional_text_of(row, "category");
    question.prompt = text_of(row, "question");
    question.choices = texts_of(row, "options");
    question.correct = index_of(row, "answer_index");
    const std::string letter = text_of(row, "answer");
    if (letter.size() != 1 || letter[0] != 'A' + question.correct) {
        throw BadQuestion{
            fmt::format("\"answer\" is '{}' but \"answer_index\" is {}", letter, question.correct)};
    }
    return question;
}

// --- MATH-500 (Hendrycks et al. 2021; Lightman et al. 2023)
// ---------------------------------------

bool is_math_500(const Json& first) {
    return first.contains("problem") && (first.contains("answer") || first.contains("solution"));
}

std::string math_500_set(const Json&) {
    return "math-500";
}

std::string math_500_id(const Json& row, size_t number) {
    const std::string id = text_or_nothing(row, "unique_id");
    return id.empty() ? fmt::format("math-500/{}", number) : id;
}

Question math_500_question(const Json& row) {
    Question question;
    question.kind = AnswerKind::kValue;
    question.category = optional_text_of(row, "subject");
    question.prompt = text_of(row, "problem");
    question.answer = optional_text_of(row, "answer");
    if (question.answer.empty()) {
        question.answer = last_boxed(text_of(row, "solution")).value_or("");
    }
    return question;
}

// --- GSM8K (Cobbe et al. 2021)
// --------------------------------------------------------------------

constexpr std::string_view kGsm8kMark = "####";

bool is_gsm8k(const Json& first) {
    return has(first, {"question", "answer"}) &&
           text_or_nothing(first, "answer").find(kGsm8kMark) != std::string::npos;
}

std::string gsm8k_set(const Json&) {
    return "gsm8k";
}

std::string gsm8k_id(const Json&, size_t number) {
    return fmt::format("gsm8k/{}", number);
}

Question gsm8k_question(const Json& row) {
    Question question;
    question.kind = AnswerKind::kValue;
    question.prompt = text_of(row, "question");
    const std::string solution = text_of(row, "answer");
    const size_t mark = solution.rfind(kGsm8kMark);
    if (mark == std::string::npos) throw BadQuestion{"no \"####\" before the answer"};
    question.answer = trimmed(solution.substr(mark + kGsm8kMark.size()));
    return question;
}

// --- HumanEval (Chen et al. 2021)
// -----------------------------------------------------------------

bool is_human_eval(const Json& first) {
    return has(first, {"task_id", "entry_point", "test"});
}

std::string human_eval_set(const Json&) {
    return "humaneval";
}

std::string human_eval_id(const Json& row, size_t) {
    return text_or_nothing(row, "task_id");
}

Question human_eval_question(const Json& row) {
    Question question;
    question.kind = AnswerKind::kCode;
    question.prompt =
        fmt::format("Complete the Python function {}().", text_of(row, "entry_point"));
    question.starter = text_of(row, "prompt");
    question.tests =
        fmt::format("{}\n\ncheck({})\n", text_of(row, "test"), text_of(row, "entry_point"));
    return question;
}

// --- ARC, BoolQ, OpenBookQA, PIQA, SIQA, WinoGrande in the shape of LLM-Adapters (Hu et al. 2023)
// -

bool is_commonsense(const Json& first) {
    return has(first, {"question", "choices", "answer"}) && first["answer"].is_number_integer();
}

std::string commonsense_id(const Json& row, size_t) {
    return text_or_nothing(row, "id");
}

// "social_i_qa/17" -> "social-i-qa".
std::string commonsense_set(const Json& first) {
    const std::string id = commonsense_id(first, 0);
    std::string set = id.substr(0, id.find('/'));
    for (char& c : set) {
        c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return set;
}

// The sentence up to its gap "_"; each choice fills the gap and goes on with the rest: the score of
// the whole sentence, "full scoring" of Trinh & Le 2018.
void split_at_gap(Question& question) {
    const size_t gap = question.prompt.find('_');
    if (gap == std::string::npos) throw BadQuestion{"no gap '_' in the sentence"};
    const std::string rest = question.prompt.substr(gap + 1);
    for (std::string& choice : question.choices) choice += rest;
    question.prompt = trimmed(question.prompt.substr(0, gap));
}

Question commonsense_question(const Json& row) {
    Question question;
    question.prompt = text_of(row, "question");
    question.choices = texts_of(row, "choices");
    question.correct = index_of(row, "answer");
    const std::string set = commonsense_set(row);
    const bool has_gap = set == "winogrande";
    if (has_gap) split_at_gap(question);
    if (has_gap || set == "piqa") question.kind = AnswerKind::kContinuation;
    return question;
}

}  // namespace

const JsonlFormat kMmluPro = {is_mmlu_pro, mmlu_pro_set, mmlu_pro_id, mmlu_pro_question};
const JsonlFormat kMath500 = {is_math_500, math_500_set, math_500_id, math_500_question};
const JsonlFormat kGsm8k = {is_gsm8k, gsm8k_set, gsm8k_id, gsm8k_question};
const JsonlFormat kHumanEval = {is_human_eval, human_eval_set, human_eval_id, human_eval_question};
const JsonlFormat kCommonsense = {is_commonsense, commonsense_set, commonsense_id,
                                  commonsense_question};

}  // namespace bitgauge
