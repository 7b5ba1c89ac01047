#include "base/child_process.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"

namespace bitgauge {
namespace {

constexpr size_t kKeptErrorBytes = 4096;
constexpr int kAskEveryMs = 200;  // whether there was an interrupt

struct Pipe {
    Pipe() {
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw Error(ErrorKind::kEnvironment, fmt::format("no pipe: {}", std::strerror(errno)));
        }
    }
    ~Pipe() {
        close_write();
        ::close(ends[0]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    void close_write() {
        if (ends[1] >= 0) ::close(ends[1]);
        ends[1] = -1;
    }
    int read_end() const { return ends[0]; }
    int write_end() const { return ends[1]; }

    std::array<int, 2> ends{};
};

pid_t spawn(const std::filesystem::path& program, const std::vector<std::string>& arguments,
            const Pipe& out, const Pipe& err) {
    std::vector<char*> argv = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out.write_end(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err.write_end(), STDERR_FILENO);
    pid_t child = 0;
    const int failed =
        ::posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        throw Error(ErrorKind::kEnvironment, fmt::format("'{}' cannot be started: {}",
                                                         program.string(), std::strerror(failed)));
    }
    return child;
}

// Appends what is there to read; false at the end of the stream.
bool read_some(int descriptor, std::string& text) {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) return true;
    if (n <= 0) return false;
    text.append(buffer.data(), static_cast<size_t>(n));
    return true;
}

void take_lines(std::string& text, const std::function<void(const std::string&)>& on_line) {
    for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        on_line(text.substr(0, end));
        text.erase(0, end + 1);
    }
}

// Ctrl-C in a terminal reaches parent and child; a signal for the parent alone would not.
void pass_interrupt_on(pid_t child, bool& passed) {
    if (passed || !interrupted()) return;
    passed = true;
    ::kill(child, SIGTERM);
}

void read_until_closed(pid_t child, const Pipe& out, const Pipe& err, std::string& errors,
                       const std::function<void(const std::string&)>& on_line) {
    std::string lines;
    bool passed = false;
    std::array<pollfd, 2> streams = {pollfd{out.read_end(), POLLIN, 0},
                                     pollfd{err.read_end(), POLLIN, 0}};
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        const int ready = ::poll(streams.data(), streams.size(), kAskEveryMs);
        pass_interrupt_on(child, passed);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) break;
        if (streams[0].revents != 0 && !read_some(streams[0].fd, lines)) streams[0].fd = -1;
        if (streams[1].revents != 0 && !read_some(streams[1].fd, errors)) streams[1].fd = -1;
        take_lines(lines, on_line);
        if (errors.size() > 2 * kKeptErrorBytes) errors.erase(0, errors.size() - kKeptErrorBytes);
    }
}

}  // namespace

ChildOutcome run_child(const std::filesystem::path& program,
                       const std::vector<std::string>& arguments,
                       const std::function<void(const std::string&)>& on_line) {
    Pipe out;
    Pipe err;
    const pid_t child = spawn(program, arguments, out, err);
    out.close_write();
    err.close_write();
    ChildOutcome outcome;
    read_until_closed(child, out, err, outcome.last_errors, on_line);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
    return outcome;
}

void end_with_parent() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // A parent that died before sends nothing any more; but then its pipe has no reader.
    pollfd out = {STDOUT_FILENO, 0, 0};
    if (::poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0) ::raise(SIGKILL);
}

}  // namespace bitgauge
