#pragma once

// Question sets: what is asked, how it is put to a model, and when an answer is right. No model
// here.
//
// Text is UTF-8. Everything is thread-safe unless said otherwise.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge {

enum class AnswerKind {
    kContinuation,  // which choice continues the prompt best: by likelihood alone
    kLetter,        // which choice is right: by the likelihood of its letter, or by the letter that
                    // a generated answer names
    kValue,         // a number or an expression, equal in value
    kCode           // Python that passes tests
};

struct Question {
    std::string id;        // unique within its set, the same in every run
    std::string set;       // "mmlu-pro"
    std::string category;  // what intervals take as a cluster; "": the question itself
    AnswerKind kind = AnswerKind::kLetter;
    std::string prompt;                // what is asked, or what is to be continued
    std::vector<std::string> choices;  // kContinuation, kLetter
    int32_t correct = -1;              // index of the right choice
    std::string answer;                // kValue: "\\frac{1}{2}", "42"
    // kCode: Python. `starter` is what the question shows and an answer may go on from; `tests` runs
    // after the answer and raises where it is wrong.
    std::string starter;
    std::string tests;
};

// What was left out of a file, and why.
struct SkippedQuestion {
    std::string id;
    std::string reason;
};

struct QuestionSet {
    std::string name;
    std::string content_hash;
    std::vector<Question> questions;  // in the order of the file
    std::vector<SkippedQuestion> skipped;
};

// The content hash of one question: equal where everything that decides its answer is equal.
std::string question_key(const Question& question);

}  // namespace bitgauge
