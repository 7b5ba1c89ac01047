#pragma once

// What the program says and where: results on stdout, everything else on stderr. A terminal is
// never given control characters but line feeds and tabs, whoever wrote the text (a model's answer,
// names in files, a template's message): they are shown (terminal_text). Into a pipe or a file
// results go as they are.

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "bitgauge/progress.h"

namespace bitgauge {

// Thrown when the reader of stdout has gone (`bitgauge ... | head`): the program ends with success.
struct OutputClosed {};

// A bar on stderr where that is a terminal: task, done/total, rate, time left. Elsewhere the bar is
// silent, with `verbose` one line per task. Warnings always, each once, unless `quiet`.
// Thread-compatible.
class TerminalProgress : public Progress {
  public:
    void begin(const std::string& task, int64_t total, const std::string& unit) override;
    void advance(int64_t steps) override;
    void end() override;
    void warn(const std::string& message) override;
    void detail(const std::string& message) override;

    bool quiet = false;
    bool verbose = false;

  private:
    using Clock = std::chrono::steady_clock;

    void draw();
    void erase();
    void say(const std::string& line);

    std::set<std::string> warned_;
    std::string task_;
    std::string unit_;
    int64_t done_ = 0;
    int64_t total_ = 0;
    bool running_ = false;
    bool drawn_ = false;
    Clock::time_point started_;
    Clock::time_point drawn_at_;
};

// The line a bar shows: "measuring  12/40 windows  3.1/s  9 s left"; no rate before the first step.
std::string progress_line(const std::string& task, int64_t done, int64_t total,
                          const std::string& unit, double elapsed_s);

// One per run; commands hold a reference to it. Thread-compatible.
class Console {
  public:
    // Writes to stdout, whole characters at a time. Throws OutputClosed when nobody reads it any
    // more, Error(kEnvironment) when it cannot be written (disk full).
    void print(std::string_view text);
    void flush();

    // A line on stderr that is no warning; none with --quiet.
    void note(std::string_view line);

    // "bitgauge: error: <message>" and the hint below it, on stderr.
    void report_error(std::string_view message, std::string_view hint = {});

    Progress& progress() { return progress_; }

    bool& quiet() { return progress_.quiet; }
    bool& verbose() { return progress_.verbose; }

  private:
    TerminalProgress progress_;
};

}  // namespace bitgauge
