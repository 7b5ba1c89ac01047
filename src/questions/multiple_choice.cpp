#include "questions/multiple_choice.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"

#include "questions/set_builder.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint32_t kMostChoices = 100;  // more are damage to llama-perplexity

// Reads on from `offset`; Error(kInput) at the end.
class ByteReader {
  public:
    ByteReader(const fs::path& path, std::string_view bytes) : path_(path), bytes_(bytes) {}

    void go_to(size_t offset) { offset_ = offset; }

    uint32_t number() {
        uint32_t value = 0;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }

    std::string text() { return std::string(take(number())); }

    [[noreturn]] void fail(const std::string& why) const {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is damaged at byte {}: {}", path_.string(), offset_, why));
    }

  private:
    std::string_view take(size_t count) {
        if (offset_ > bytes_.size() || count > bytes_.size() - offset_) {
            fail(fmt::format("{} more bytes are announced, but the file ends after {}", count,
                             bytes_.size()));
        }
        const std::string_view taken = bytes_.substr(offset_, count);
        offset_ += count;
        return taken;
    }

    const fs::path& path_;
    std::string_view bytes_;
    size_t offset_ = 0;
};

struct ChoiceList {
    std::vector<std::string> texts;
    std::vector<uint32_t> labels;
};

ChoiceList read_list(ByteReader& reader) {
    const uint32_t count = reader.number();
    if (count > kMostChoices) reader.fail(fmt::format("{} choices, at most 100 can be", count));
    ChoiceList list;
    for (uint32_t i = 0; i < count; ++i) list.texts.push_back(reader.text());
    for (uint32_t i = 0; i < count; ++i) list.labels.push_back(reader.number());
    return list;
}

Question question_of(std::string prompt, const ChoiceList& list) {
    if (std::count(list.labels.begin(), list.labels.end(), 1U) != 1) {
        throw BadQuestion{"not exactly one choice is right"};
    }
    Question question;
    question.kind = AnswerKind::kContinuation;
    question.prompt = std::move(prompt);
    question.choices = list.texts;
    question.correct = static_cast<int32_t>(std::find(list.labels.begin(), list.labels.end(), 1U) -
                                            list.labels.begin());
    return question;
}

void append(std::string& bytes, uint32_t value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

uint32_t size_of(const std::string& text) {
    if (text.size() > std::numeric_limits<uint32_t>::max()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("{} bytes of questions; a file for llama-perplexity ends at 4 GiB",
                                text.size()),
                    "write fewer questions");
    }
    return static_cast<uint32_t>(text.size());
}

void append(std::string& bytes, const std::string& text) {
    append(bytes, size_of(text));
    bytes += text;
}

std::vector<std::string> letters(size_t count) {
    std::vector<std::string> letters;
    for (size_t i = 0; i < count; ++i) letters.push_back(choice_letter(i));
    return letters;
}

void append_task(std::string& bytes, const Question& question) {
    const bool by_letter = question.kind == AnswerKind::kLetter;
    if (!by_letter && question.kind != AnswerKind::kContinuation) {
        throw Error(ErrorKind::kInput,
                    fmt::format("question '{}' of '{}' has no choices (its kind is {})",
                                question.id, question.set, name_of(question.kind)));
    }
    const std::vector<std::string> choices =
        by_letter ? letters(question.choices.size()) : question.choices;
    append(bytes, by_letter ? letter_prompt(question) : question.prompt);
    append(bytes, static_cast<uint32_t>(choices.size()));
    for (const std::string& choice : choices) append(bytes, choice);
    for (size_t i = 0; i < choices.size(); ++i) {
        append(bytes, uint32_t{std::cmp_equal(i, question.correct)});
    }
    append(bytes, uint32_t{0});  // the second list
}

}  // namespace

bool is_multiple_choice(const std::string& bytes) {
    uint32_t first[2];
    if (bytes.size() < sizeof first) return false;
    std::memcpy(first, bytes.data(), sizeof first);
    const uint64_t table_end = sizeof(uint32_t) * (uint64_t{first[0]} + 1);
    return first[0] > 0 && first[1] == table_end && table_end <= bytes.size();
}

QuestionSet read_multiple_choice(const fs::path& path, const std::string& bytes,
                                 const std::string& set) {
    ByteReader table(path, bytes);
    const uint32_t tasks = table.number();
    SetBuilder builder(set);
    for (uint32_t i = 0; i < tasks; ++i) {
        ByteReader reader(path, bytes);
        reader.go_to(table.number());
        std::string prompt = reader.text();
        const ChoiceList list = read_list(reader);
        require_utf8(path, prompt);
        for (const std::string& text : list.texts) require_utf8(path, text);
        builder.take(fmt::format("{}/{}", set, i),
                     [&] { return question_of(std::move(prompt), list); });
    }
    return std::move(builder).finish(path);
}

void write_multiple_choice(const fs::path& path, std::span<const Question> questions) {
    if (questions.empty()) throw Error(ErrorKind::kInput, "no questions to write");
    std::string tasks;
    std::string table;
    const size_t table_bytes = sizeof(uint32_t) * (questions.size() + 1);
    append(table, static_cast<uint32_t>(questions.size()));
    for (const Question& question : questions) {
        append(table, static_cast<uint32_t>(table_bytes + size_of(tasks)));
        append_task(tasks, question);
    }
    write_file_atomically(path, table + tasks);
}

}  // namespace bitgauge
