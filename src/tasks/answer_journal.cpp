#include "tasks/answer_journal.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/file.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/json.h"

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

void require_same(const Json& head, const fs::path& path, const std::string& identity) {
    if (head.value("schema", "") == kSchema && head.value("identity", "") == identity) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' holds answers of another model, or to other settings", path.string()),
        "remove it, or name another folder");
}

[[noreturn]] void fail(const fs::path& path, const char* action) {
    throw Error(ErrorKind::kEnvironment, fmt::format("'{}' could not be {}: {}", path.string(),
                                                     action, std::strerror(errno)));
}

int open_locked(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) fail(path, "opened");
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
    ::close(descriptor);
    throw Error(ErrorKind::kEnvironment, fmt::format("another process writes '{}'", path.string()),
                "wait for it, or name another folder");
}

}  // namespace

std::map<std::string, Answer> read_journal(const fs::path& path, const std::string& identity) {
    std::map<std::string, Answer> answers;
    const std::string text = whole_lines(path);
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = text.find('\n', begin);
        const Json line = Json::parse(text.substr(begin, end - begin), nullptr, false);
        if (begin == 0) {
            require_same(line, path, identity);
        } else if (!line.is_discarded()) {
            Answer answer = answer_from_json(line);
            answers[answer.key] = std::move(answer);
        }
        begin = end + 1;
    }
    return answers;
}

AnswerJournal::AnswerJournal(const JournalName& name)
    : path_(name.path), descriptor_(open_locked(name.path)) {
    const auto whole = static_cast<off_t>(whole_lines(path_).size());
    if (::ftruncate(descriptor_, whole) != 0 || ::lseek(descriptor_, whole, SEEK_SET) < 0) {
        fail(path_, "gone on with");
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
    size_t done = 0;
    while (done < text.size()) {
        const ssize_t n = ::write(descriptor_, text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) fail(path_, "written");
        if (n > 0) done += static_cast<size_t>(n);
    }
}

}  // namespace bitgauge
