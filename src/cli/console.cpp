#include "cli/console.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "report/escape.h"

namespace bitgauge {
namespace {

bool stderr_is_terminal() {
    return ::isatty(STDERR_FILENO) == 1;
}

std::string duration(double seconds) {
    const auto s = std::llround(seconds);
    if (s < 100) return fmt::format("{} s", s);
    if (s < 6000) return fmt::format("{} min {:02} s", s / 60, s % 60);
    return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

[[noreturn]] void output_failed() {
    if (errno == EPIPE) throw OutputClosed{};
    throw Error(ErrorKind::kEnvironment,
                fmt::format("standard output cannot be written: {}", std::strerror(errno)),
                "write to a place with free space");
}

void put(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed();
}

// Also where stderr is a file: it will be looked at in a terminal.
void put_message(std::string_view text) {
    std::fputs(terminal_text(text).c_str(), stderr);
}

}  // namespace

std::string progress_line(const std::string& task, int64_t done, int64_t total,
                          const std::string& unit, double elapsed_s) {
    std::string line = total > 0 ? fmt::format("{}  {}/{} {}", task, done, total, unit)
                                 : fmt::format("{}  {} {}", task, done, unit);
    if (done <= 0 || elapsed_s <= 0) return line;
    const double rate = static_cast<double>(done) / elapsed_s;
    line += rate >= 1 ? fmt::format("  {:.3g}/s", rate) : fmt::format("  {:.3g} s each", 1 / rate);
    if (total > done) line += fmt::format("  {} left", duration((total - done) / rate));
    return line;
}

void TerminalProgress::begin(const std::string& task, int64_t total, const std::string& unit) {
    end();
    task_ = task;
    unit_ = unit;
    total_ = total;
    done_ = 0;
    running_ = true;
    started_ = Clock::now();
    if (!stderr_is_terminal() && verbose) say(fmt::format("{} ({} {})", task, total, unit));
    draw();
}

void TerminalProgress::advance(int64_t steps) {
    constexpr auto kRedraw = std::chrono::milliseconds(100);
    done_ += steps;
    if (!drawn_ || Clock::now() - drawn_at_ >= kRedraw) draw();
}

void TerminalProgress::end() {
    erase();
    running_ = false;
}

void TerminalProgress::warn(const std::string& message) {
    if (!quiet && warned_.insert(message).second) say("bitgauge: warning: " + message);
}

void TerminalProgress::detail(const std::string& message) {
    if (verbose && !quiet) say(message);
}

void TerminalProgress::draw() {
    if (!running_ || quiet || !stderr_is_terminal()) return;
    const double elapsed_s = std::chrono::duration<double>(Clock::now() - started_).count();
    fmt::print(stderr, "\r\033[K{}",
               terminal_text(progress_line(task_, done_, total_, unit_, elapsed_s)));
    std::fflush(stderr);
    drawn_ = true;
    drawn_at_ = Clock::now();
}

void TerminalProgress::erase() {
    if (!drawn_) return;
    fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
    drawn_ = false;
}

void TerminalProgress::say(const std::string& line) {
    erase();
    put_message(line + "\n");
}

void Console::print(std::string_view text) {
    progress_.end();
    if (::isatty(STDOUT_FILENO) == 1) {
        put(terminal_text(text));
    } else {
        put(text);
    }
}

void Console::flush() {
    if (std::fflush(stdout) != 0) output_failed();
}

void Console::note(std::string_view line) {
    if (!quiet()) put_message(fmt::format("{}\n", line));
}

void Console::report_error(std::string_view message, std::string_view hint) {
    progress_.end();
    std::string text = fmt::format("bitgauge: error: {}\n", message);
    if (!hint.empty()) text += fmt::format("  hint: {}\n", hint);
    put_message(text);
}

}  // namespace bitgauge
