#include "text/child_process.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/wait.h>

#include "bitgauge/error.h"

#include "base/files.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& what, int reason) {
    throw Error(ErrorKind::kEnvironment, fmt::format("{}: {}", what, std::strerror(reason)));
}

class TemporaryFolder {
  public:
    TemporaryFolder() : path_(fs::temp_directory_path() / "bitgauge-XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) fail("no temporary folder could be made", errno);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string file(const char* name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

// The three standard streams of a child, each a file.
class Redirection {
  public:
    Redirection(const std::string& in, const std::string& out, const std::string& err) {
        constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, in.c_str(), O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, out.c_str(), kWrite, 0600);
        ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, err.c_str(), kWrite, 0600);
    }
    ~Redirection() { ::posix_spawn_file_actions_destroy(&actions_); }
    Redirection(const Redirection&) = delete;
    Redirection& operator=(const Redirection&) = delete;

    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

pid_t start(const std::vector<std::string>& command, const Redirection& streams) {
    std::vector<char*> arguments;
    for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int reason =
        ::posix_spawnp(&child, arguments[0], streams.get(), nullptr, arguments.data(), environ);
    if (reason != 0) fail(fmt::format("'{}' cannot be started", command[0]), reason);
    return child;
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) fail("a child process was lost", errno);
    }
    return status;
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& command, const std::string& input) {
    const TemporaryFolder folder;
    const std::string in = folder.file("in");
    const std::string out = folder.file("out");
    const std::string err = folder.file("err");
    write_file_atomically(in, input);
    const int status = wait_for(start(command, Redirection(in, out, err)));
    ChildResult result;
    if (WIFEXITED(status)) result.exit_status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    result.output = read_text_file(out);
    result.errors = read_text_file(err);
    return result;
}

}  // namespace bitgauge
