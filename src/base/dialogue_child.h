#pragma once

// Another program that is asked many things: one line in, one line out.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/spawned.h"

namespace bitgauge {

// Thread-compatible. The program reads lines from its standard input until that ends, and answers
// on its standard output. It has a process group of its own: Ctrl-C in a terminal does not reach
// it.
class DialogueChild {
  public:
    // Error(kEnvironment) when it cannot be started.
    explicit DialogueChild(const std::vector<std::string>& command);
    ~DialogueChild();  // kills it
    DialogueChild(const DialogueChild&) = delete;
    DialogueChild& operator=(const DialogueChild&) = delete;

    // Sends a line, which has no line feed in it.
    void tell(const std::string& line);
    // The next line of what it says. Nothing when it has ended, or was killed because it took
    // longer than `patience`: end() says which. Error(kInterrupted), and it is killed, at an
    // interrupt.
    std::optional<std::string> hear(std::chrono::milliseconds patience);

    struct End {
        int status = 0;  // exit status; meaningless when `signal` is set
        int signal = 0;  // what ended it, 0 for none
        bool timed_out = false;
        std::string errors;  // the last of its standard error
    };
    // After hear() gave nothing.
    const End& end() const { return end_; }

  private:
    void kill();
    void reap();

    Descriptor socket_;
    Descriptor errors_;
    pid_t child_ = 0;  // 0: it has ended
    std::string heard_;
    End end_;
};

}  // namespace bitgauge
