#pragma once

// Answers on stdout while they are written, and a conversation typed in a terminal.

#include <string>

#include "bitgauge/chat.h"

#include "cli/console.h"
#include "cli/run_report.h"

namespace bitgauge {

class ChatSession {
  public:
    ChatSession(Chat& chat, uint32_t context_tokens, Console& console);

    // One message. Error(kInterrupted) at Ctrl-C, Error(kNotFinite), after what there was is
    // printed.
    void answer_once(const std::string& message);

    // Messages and commands from the terminal until its user ends it. Ctrl-C stops an answer, whose
    // beginning stays in the history; twice at the prompt it ends the session.
    void converse();

    const ChatTotals& totals() const { return totals_; }

  private:
    ChatTurn print_answer(const std::string& message);
    void answer_or_explain(const std::string& message);
    bool take(const std::string& typed);
    bool obey(const std::string& name, const std::string& rest);

    Chat& chat_;
    uint32_t context_tokens_;
    Console& console_;
    ChatTotals totals_;
    bool said_left_out_ = false;
};

}  // namespace bitgauge
