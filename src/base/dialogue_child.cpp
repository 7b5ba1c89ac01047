#include "base/dialogue_child.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/interrupt.h"

namespace bitgauge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAskEveryMs = 100;  // whether there was an interrupt
constexpr off_t kKeptErrorBytes = 4096;

Descriptor file_in_memory() {
    Descriptor file(::memfd_create("errors", MFD_CLOEXEC));
    if (file.number() < 0) fail_for("no file in memory");
    return file;
}

// What stands at the end of the file.
std::string last_text(int file) {
    const off_t size = ::lseek(file, 0, SEEK_END);
    const off_t begin = size > kKeptErrorBytes ? size - kKeptErrorBytes : 0;
    std::string text(size > begin ? static_cast<size_t>(size - begin) : 0, '\0');
    const ssize_t n = ::pread(file, text.data(), text.size(), begin);
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
}

}  // namespace

// A socket, because a write to one whose other end has gone can do without a signal.
DialogueChild::DialogueChild(const std::vector<std::string>& command) : errors_(file_in_memory()) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        fail_for("no socket");
    }
    const Descriptor theirs(ends[1]);
    socket_ = Descriptor(ends[0]);
    const Descriptor talk = moved_up(theirs);
    const Descriptor err = moved_up(errors_);
    child_ = spawn_apart(command, std::array{talk.number(), talk.number(), err.number()});
}

DialogueChild::~DialogueChild() {
    if (child_ != 0) kill();
}

void DialogueChild::tell(const std::string& line) {
    const std::string text = line + "\n";
    for (size_t sent = 0; sent < text.size();) {
        const ssize_t n =
            ::send(socket_.number(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return;  // it has ended; hear() says how
        sent += static_cast<size_t>(n);
    }
}

std::optional<std::string> DialogueChild::hear(std::chrono::milliseconds patience) {
    const Clock::time_point last = Clock::now() + patience;
    for (size_t end = heard_.find('\n');; end = heard_.find('\n')) {
        if (end != std::string::npos) {
            std::string line = heard_.substr(0, end);
            heard_.erase(0, end + 1);
            return line;
        }
        pollfd event = {socket_.number(), POLLIN, 0};
        const int ready = ::poll(&event, 1, kAskEveryMs);
        if (interrupted()) kill();
        throw_if_interrupted();
        if (Clock::now() >= last) {
            end_.timed_out = true;
            kill();
            return std::nullopt;
        }
        if (ready <= 0) continue;
        std::array<char, 65536> buffer;
        const ssize_t n = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            reap();
            return std::nullopt;
        }
        heard_.append(buffer.data(), static_cast<size_t>(n));
    }
}

void DialogueChild::kill() {
    if (child_ == 0) return;
    ::kill(-child_, SIGKILL);
    reap();
}

void DialogueChild::reap() {
    if (child_ == 0) return;
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = 0;
    if (WIFSIGNALED(status)) end_.signal = WTERMSIG(status);
    if (WIFEXITED(status)) end_.status = WEXITSTATUS(status);
    end_.errors = last_text(errors_.number());
}

}  // namespace bitgauge
