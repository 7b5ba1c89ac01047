#pragma once

// Question sets: what is asked and how it is put to a model. No model here; when an answer is right
// stands in verdict.h.
//
// Text is UTF-8. Everything is thread-safe unless said otherwise.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
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

// "continuation", "letter", "value", "code".
std::string_view name_of(AnswerKind kind);

// What a program reads and what it shall write for it; white space at ends of lines does not count.
struct ProgramCase {
    std::string input;
    std::string output;
};

struct Question {
    std::string id;        // unique within its set, the same in every run
    std::string set;       // "mmlu-pro"
    std::string category;  // what intervals take as a cluster; "": the question itself
    AnswerKind kind = AnswerKind::kLetter;
    std::string prompt;                // what is asked, or what is to be continued
    std::vector<std::string> choices;  // kContinuation (2 to 100), kLetter (2 to 26); all different
    int32_t correct = -1;              // index of the right choice
    std::string answer;                // kValue: "\\frac{1}{2}", "42"
    // kCode: Python. `starter` is what the question shows and an answer may go on from; `prelude`
    // runs before it and is not shown; `tests` runs after the answer and raises where it is wrong.
    // With `cases` the answer is a whole program that reads standard input and writes standard
    // output. At least one of `tests` and `cases` is there.
    std::string starter;
    std::string prelude;
    std::string tests;
    std::vector<ProgramCase> cases;
    // Questions that stand before it, with their right answers: of its set, kind and category,
    // never itself. No part of question_key().
    std::vector<Question> examples;
};

// What was left out of a file, and why.
struct SkippedQuestion {
    std::string id;
    std::string reason;
};

struct QuestionSet {
    std::string name;
    std::string content_hash;         // of ids, categories and question keys, in their order
    std::vector<Question> questions;  // in the order of the file
    std::vector<SkippedQuestion> skipped;
};

// The content hash of one question: equal where everything that decides its answer is equal.
std::string question_key(const Question& question);

// --- reading
// --------------------------------------------------------------------------------------

// Any of the formats of docs/formats/questions.md, found from the content; also compressed with
// gzip or bzip2. `set` names the set; "" takes the format's own name, else the file's. A single bad
// question (field missing, no right answer, two equal choices, answers that disagree, an id that
// was there before) is in `skipped`. Error(kInput), with path, line and value, for a file that
// cannot be read, is damaged, has no known format or no question.
QuestionSet read_questions(const std::filesystem::path& file, const std::string& set = "");

// The file of a set in `folder` or in a folder of it, by name: set names and patterns are in
// docs/formats/questions.md. Nothing where there is none; Error(kInput) where there are several.
std::optional<std::filesystem::path> find_questions(const std::filesystem::path& folder,
                                                    const std::string& set);

// A file for `llama-perplexity --multiple-choice --binary-file`. It joins question and answer with
// one blank, as continuation_text() does; a kLetter question becomes letter_prompt() and its
// letters. Error(kInput) for other kinds and for nothing at all; Error(kEnvironment) when writing
// fails.
void write_multiple_choice(const std::filesystem::path& path, std::span<const Question> questions);

// --- mixes
// ----------------------------------------------------------------------------------------

struct MixPart {
    std::string set;
    uint64_t count = 0;     // 0: all
    bool optional = false;  // goes on without the set
};

struct QuestionMix {
    std::string name;
    uint64_t seed = 0;
    std::vector<MixPart> parts;  // at least one, no set twice
    uint32_t shots = 0;          // examples before each question; not of a mix's file
};

// "published-750", "quick".
std::vector<std::string> mix_presets();

// A preset's name, or a file (docs/formats/questions.md). Error(kInput) for neither, and for a file
// that is no mix.
QuestionMix read_mix(const std::string& preset_or_file);

struct DrawnQuestions {
    std::vector<Question> questions;      // parts in the mix's order
    std::vector<std::string> shortfalls;  // in words: "3 of 50 questions of 'gpqa-diamond': ..."
};

// The sets of the mix that lie in `folder`; those that do not are left out.
std::vector<QuestionSet> read_mix_sets(const std::filesystem::path& folder, const QuestionMix& mix);

// Draws without replacement. A set's questions are ordered by the hash of seed and question key,
// and the first `count` are taken: the same on every platform, whatever the other sets and the
// order of the file are, and a larger count only adds. Of questions with equal keys one is drawn. A
// set with too few questions and an optional one that is missing are shortfalls; Error(kInput)
// where another is missing, or where nothing at all is drawn.
DrawnQuestions draw_questions(std::span<const QuestionSet> sets, const QuestionMix& mix);

// --- prompts
// --------------------------------------------------------------------------------------

// "A" to "Z"; requires 0 <= index < 26.
std::string choice_letter(size_t index);

// A JSON array of messages for the model's chat template, which ask for the form of answer that
// judge_answers() understands; examples are turns before, whose answers have that form and no
// reasoning. Error(kInput) for kContinuation, which is not generated.
std::string chat_messages(const Question& question);

// "Question\nA. ...\nB. ...\nAnswer:", whose next token is " A", " B", ...; requires kLetter.
// Examples stand before it, each with its letter and an empty line.
std::string letter_prompt(const Question& question);

// Prompt, one blank, choice. Requires kContinuation and an index of a choice.
std::string continuation_text(const Question& question, size_t choice);

}  // namespace bitgauge
