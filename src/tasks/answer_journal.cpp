#include "tasks/answer_journal.h"

#include <span>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/json.h"
#include "base/part_file.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSchema = "bitgauge.answers/1";

// Whole lines alone.
std::string whole_lines(const fs::path& path) {
    if (!fs::exists(path)) return "";
    std::string text = read_text_file(path);
    const size_t end = text.rfind('\n');
    text.resize(end == std::string::npos ? 0 : end + 1);
    return text;
}

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
    throw Error(ErrorKind::kInput, fmt::format("'{}' {}", path.string(), why),
                "remove it, or name another folder");
}

void require_same(const Json& head, const fs::path& path, const std::string& identity) {
    if (head.is_object() && head.value("schema", "") == kSchema &&
        head.value("identity", "") == identity) {
        return;
    }
    refuse(path, "holds answers of another model, or to other settings");
}

int open_locked(const fs::path& path) {
    const int descriptor = open_part(path, path, Earlier::kKeep);
    if (descriptor < 0) fail_to_write(path, "opened", 0);
    return descriptor;
}

Answer read_answer(const std::string& line, const fs::path& path, size_t number) {
    try {
        return answer_from_json(Json::parse(line));
    } catch (const Json::exception&) {
        refuse(path, fmt::format("is damaged: line {} is no answer", number));
    }
}

}  // namespace

std::map<std::string, Answer> read_journal(const fs::path& path, const std::string& identity) {
    std::map<std::string, Answer> answers;
    std::istringstream lines(whole_lines(path));
    std::string line;
    if (!std::getline(lines, line)) return answers;
    require_same(Json::parse(line, nullptr, /*allow_exceptions=*/false), path, identity);
    for (size_t number = 2; std::getline(lines, line); ++number) {
        Answer answer = read_answer(line, path, number);
        answers[answer.key] = std::move(answer);
    }
    return answers;
}

AnswerJournal::AnswerJournal(const JournalName& name)
    : path_(name.path), descriptor_(open_locked(name.path)) {
    const auto whole = static_cast<off_t>(whole_lines(path_).size());
    if (::ftruncate(descriptor_, whole) != 0 || ::lseek(descriptor_, whole, SEEK_SET) < 0) {
        fail_to_write(path_, "gone on with", 0);
    }
    if (whole == 0) write(Json({{"schema", kSchema}, {"identity", name.identity}}).dump());
}

AnswerJournal::~AnswerJournal() {
    ::close(descriptor_);
}

void AnswerJournal::add(const Answer& answer) {
    write(to_json(answer).dump(-1, ' ', false, Json::error_handler_t::replace));
}

// One call per line: a kill leaves whole lines and at most one that is cut off.
void AnswerJournal::write(const std::string& line) {
    const std::string text = line + "\n";
    uint64_t written = 0;
    if (!write_all(descriptor_, std::as_bytes(std::span(text)), written)) {
        fail_to_write(path_, "written", written);
    }
}

}  // namespace bitgauge
