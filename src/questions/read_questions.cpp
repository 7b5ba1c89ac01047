#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/questions.h"

#include "questions/gpqa.h"
#include "questions/hellaswag.h"
#include "questions/jsonl_sets.h"
#include "questions/multiple_choice.h"
#include "questions/packed_text.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// "arc.jsonl.gz" -> "arc".
std::string file_set(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.substr(0, name.find('.', 1));
}

bool is_jsonl(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '{';
}

[[noreturn]] void fail_unknown(const fs::path& path, const std::string& text) {
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' ({} bytes of content) is in no format of questions that is known",
                            path.string(), text.size()),
                "docs/formats/questions.md names the formats, one of which is easy to write");
}

}  // namespace

QuestionSet read_questions(const fs::path& file, const std::string& set) {
    const std::string text = read_packed_text(file);
    const std::string name = set.empty() ? file_set(file) : set;
    if (is_multiple_choice(text)) return read_multiple_choice(file, text, name);
    if (is_jsonl(text)) return read_jsonl_set(file, text, set, name);
    if (is_gpqa(text)) return read_gpqa(file, text, set);
    if (is_hellaswag(text)) return read_hellaswag(file, text, set);
    fail_unknown(file, text);
}

}  // namespace bitgauge
