#include "base/limited_child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <span>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"
#include "base/part_file.h"
#include "base/spawned.h"

namespace bitgauge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAskEveryMs = 100;  // whether there was an interrupt
constexpr std::chrono::seconds kLastWords{2};

// A file in memory: no pipe that somebody has to feed, and that may break.
Descriptor text_in_memory(const std::string& text) {
    Descriptor file(::memfd_create("text", MFD_CLOEXEC));
    uint64_t written = 0;
    if (file.number() < 0 || !write_all(file.number(), std::as_bytes(std::span(text)), written) ||
        ::lseek(file.number(), 0, SEEK_SET) < 0) {
        fail_for("no file in memory");
    }
    return file;
}

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_for("no pipe");
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// One stream of the child, up to its limit.
struct Stream {
    Descriptor source;
    std::string& text;
    size_t limit;
    bool full = false;

    // What is there to read; closes the source at its end.
    void read_some() {
        std::array<char, 65536> buffer;
        const ssize_t n = ::read(source.number(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) return;
        if (n <= 0) return source.close();
        const size_t room = limit - text.size();
        full = full || static_cast<size_t>(n) > room;
        text.append(buffer.data(), std::min(static_cast<size_t>(n), room));
    }
};

int milliseconds_until(Clock::time_point end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, kAskEveryMs));
}

class Watch {
  public:
    Watch(pid_t child, Pipe out, Pipe err, const ChildLimits& limits, LimitedOutcome& outcome)
        : child_(child),
          end_(Clock::now() + limits.wall_time),
          outcome_(outcome),
          streams_{Stream{std::move(out.read_end), outcome.output, limits.output_bytes},
                   Stream{std::move(err.read_end), outcome.errors, limits.output_bytes}} {}

    // Until both streams are closed and the child has ended, or everything was killed.
    void run() {
        while (open()) {
            step();
            if (killed_ && Clock::now() >= end_) break;
        }
        while (!killed_ && !ended()) {
            ::poll(nullptr, 0, std::min(5, milliseconds_until(end_)));
            check_limits();
        }
        while (!reaped_ && ::waitpid(child_, &status_, 0) < 0 && errno == EINTR) {
        }
        if (WIFSIGNALED(status_)) outcome_.signal = WTERMSIG(status_);
        if (WIFEXITED(status_)) outcome_.status = WEXITSTATUS(status_);
        throw_if_interrupted();
    }

  private:
    bool open() const {
        return streams_[0].source.number() >= 0 || streams_[1].source.number() >= 0;
    }

    void step() {
        std::array<pollfd, 2> events = {pollfd{streams_[0].source.number(), POLLIN, 0},
                                        pollfd{streams_[1].source.number(), POLLIN, 0}};
        const int ready = ::poll(events.data(), events.size(), milliseconds_until(end_));
        for (size_t i = 0; i < 2; ++i) {
            if (ready > 0 && events[i].revents != 0) streams_[i].read_some();
        }
        check_limits();
    }

    void check_limits() {
        if (killed_) return;
        outcome_.said_too_much = streams_[0].full || streams_[1].full;
        outcome_.timed_out = !outcome_.said_too_much && Clock::now() >= end_;
        if (outcome_.said_too_much || outcome_.timed_out || interrupted()) kill();
    }

    void kill() {
        killed_ = true;
        end_ = Clock::now() + kLastWords;
        if (!reaped_) ::kill(-child_, SIGKILL);
    }

    bool ended() {
        reaped_ = reaped_ || ::waitpid(child_, &status_, WNOHANG) == child_;
        return reaped_;
    }

    pid_t child_;
    Clock::time_point end_;
    LimitedOutcome& outcome_;
    std::array<Stream, 2> streams_;
    bool killed_ = false;
    bool reaped_ = false;
    int status_ = 0;
};

}  // namespace

LimitedOutcome run_limited(const std::vector<std::string>& command, const std::string& input,
                           const std::string& job, const ChildLimits& limits) {
    const Descriptor in = moved_up(text_in_memory(input));
    const Descriptor work = moved_up(text_in_memory(job));
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    LimitedOutcome outcome;
    pid_t child = 0;
    {
        const Descriptor out_end = moved_up(out.write_end);
        const Descriptor err_end = moved_up(err.write_end);
        const std::array<int, 4> given = {in.number(), out_end.number(), err_end.number(),
                                          work.number()};
        child = spawn_apart(command, given);
    }
    out.write_end.close();
    err.write_end.close();
    Watch(child, std::move(out), std::move(err), limits, outcome).run();
    return outcome;
}

}  // namespace bitgauge
