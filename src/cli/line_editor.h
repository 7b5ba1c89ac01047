#pragma once

// Lines typed in a terminal, edited with libedit; earlier ones come back with the arrow keys, for
// as long as the program runs.

#include <memory>
#include <string>

namespace bitgauge {

struct TypedText {
    enum class How {
        kText,
        kEnd,          // Ctrl-D, or the terminal has gone
        kInterrupted,  // Ctrl-C, which is taken (base/interrupt.h)
    } how = How::kText;
    std::string text;  // UTF-8, without the line feed at its end
};

// One at a time; standard input is a terminal. Prompts go to standard output, or to standard error
// where that is no terminal.
class LineEditor {
  public:
    LineEditor();
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    // A line, or several of which all but the last end in a backslash, without the backslashes.
    // Error(kInterrupted) at SIGTERM.
    TypedText read();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bitgauge
