#include <cassert>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/questions.h"

#include "base/json.h"

namespace bitgauge {
namespace {

std::string choice_lines(const Question& question) {
    std::string lines;
    for (size_t i = 0; i < question.choices.size(); ++i) {
        lines += fmt::format("{}. {}\n", choice_letter(i), question.choices[i]);
    }
    return lines;
}

std::string ask_letter(const Question& question) {
    return fmt::format(
        "{}\n\n{}\nAnswer with the letter of the right choice. You may reason first; the last line "
        "must be 'Answer: X', where X is one of the letters A to {}.",
        question.prompt, choice_lines(question), choice_letter(question.choices.size() - 1));
}

std::string ask_value(const Question& question) {
    return fmt::format("{}\n\nReason step by step, and put the final answer in \\boxed{{}}.",
                       question.prompt);
}

std::string ask_code(const Question& question) {
    std::string text = question.prompt;
    if (!question.starter.empty()) {
        text += fmt::format("\n\n```python\n{}\n```", question.starter);
    }
    text += "\n\nWrite the complete program, with all imports, in one ```python block.";
    if (!question.cases.empty()) {
        text += " It reads the input from standard input and prints the answer to standard output.";
    }
    return text;
}

// What an example's answer is: its form, and no reasoning.
std::string shown_answer(const Question& question) {
    if (question.kind == AnswerKind::kValue) return fmt::format("\\boxed{{{}}}", question.answer);
    return "Answer: " + choice_letter(static_cast<size_t>(question.correct));
}

std::string ask(const Question& question) {
    switch (question.kind) {
        case AnswerKind::kLetter:
            return ask_letter(question);
        case AnswerKind::kValue:
            return ask_value(question);
        case AnswerKind::kCode:
            return ask_code(question);
        case AnswerKind::kContinuation:
            break;
    }
    throw Error(
        ErrorKind::kInput,
        fmt::format("question '{}' of '{}' is answered by likelihood alone, it cannot be put "
                    "as a message",
                    question.id, question.set));
}

}  // namespace

std::string choice_letter(size_t index) {
    assert(index < 26);
    return std::string(1, static_cast<char>('A' + index));
}

std::string chat_messages(const Question& question) {
    Json messages = Json::array();
    const auto say = [&](const char* who, const std::string& what) {
        messages.push_back({{"role", who}, {"content", what}});
    };
    for (const Question& example : question.examples) {
        say("user", ask(example));
        say("assistant", shown_answer(example));
    }
    say("user", ask(question));
    return messages.dump();
}

std::string letter_prompt(const Question& question) {
    assert(question.kind == AnswerKind::kLetter);
    std::string text;
    for (const Question& example : question.examples) {
        text += fmt::format("{} {}\n\n", letter_prompt(example),
                            choice_letter(static_cast<size_t>(example.correct)));
    }
    return text + fmt::format("{}\n{}Answer:", question.prompt, choice_lines(question));
}

std::string continuation_text(const Question& question, size_t choice) {
    assert(question.kind == AnswerKind::kContinuation && choice < question.choices.size());
    std::string text;
    for (const Question& example : question.examples) {
        text += continuation_text(example, static_cast<size_t>(example.correct)) + "\n\n";
    }
    return text + question.prompt + " " + question.choices[choice];
}

}  // namespace bitgauge
