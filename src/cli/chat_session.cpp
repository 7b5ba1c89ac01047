#include "cli/chat_session.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"
#include "cli/line_editor.h"

namespace bitgauge {
namespace {

constexpr const char* kHelp =
    "/clear        forget the conversation; the system message stays\n"
    "/system TEXT  another system message, from the next answer on; without TEXT none\n"
    "/exit         end; Ctrl-D and twice Ctrl-C as well\n"
    "A line that ends in \\ goes on in the next one. Ctrl-C stops an answer.";

void require_finite(const ChatTurn& turn) {
    if (turn.end != ChatTurn::End::kNotFinite) return;
    throw Error(
        ErrorKind::kNotFinite,
        fmt::format("the model's logits are not finite after {} of the prompt and {} of the "
                    "answer",
                    turn.prompt_tokens, turn.answer_tokens),
        "its weights hold NaN or infinity, or overflow on this text");
}

// "/clear" of "/clear all"; "" for a message. A path is one: it has another '/'.
std::string command_of(const std::string& typed) {
    if (!typed.starts_with('/')) return "";
    const std::string word = typed.substr(0, typed.find_first_of(" \n"));
    const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    return std::all_of(word.begin() + 1, word.end(), is_letter) ? word : "";
}

std::string after_word(const std::string& typed, const std::string& word) {
    const size_t begin = typed.find_first_not_of(" \n", word.size());
    return begin == std::string::npos ? "" : typed.substr(begin);
}

}  // namespace

ChatSession::ChatSession(Chat& chat, uint32_t context_tokens, Console& console)
    : chat_(chat), context_tokens_(context_tokens), console_(console) {}

void ChatSession::answer_once(const std::string& message) {
    const ChatTurn turn = print_answer(message);
    throw_if_interrupted("");
    require_finite(turn);
}

void ChatSession::converse() {
    LineEditor editor;
    bool interrupted_before = false;
    while (true) {
        const TypedText typed = editor.read();
        if (typed.how == TypedText::How::kInterrupted) {
            if (interrupted_before) return console_.note("");
            interrupted_before = true;
            console_.note("\n(Ctrl-C once more, or Ctrl-D, ends)");
            continue;
        }
        interrupted_before = false;
        if (typed.how == TypedText::How::kEnd) return console_.note("");
        if (!take(typed.text)) return;
    }
}

// False at the end.
bool ChatSession::take(const std::string& typed) {
    if (typed.find_first_not_of(" \t\n") == std::string::npos) return true;
    const std::string command = command_of(typed);
    if (!command.empty()) return obey(command, after_word(typed, command));
    answer_or_explain(typed);
    return true;
}

bool ChatSession::obey(const std::string& name, const std::string& rest) {
    if (name == "/exit" || name == "/quit") return false;
    if (name == "/clear") {
        chat_.clear();
        said_left_out_ = false;
        console_.note("(forgotten)");
    } else if (name == "/system") {
        try {
            chat_.set_system(rest);
        } catch (const Error& error) {
            console_.report_error(error.what(), error.hint());
        }
    } else if (name == "/help") {
        console_.note(kHelp);
    } else {
        console_.note(
            fmt::format("no command '{}'; /help names them, and a blank before it makes it "
                        "a message",
                        name));
    }
    return true;
}

// What is wrong with one message does not end the session.
void ChatSession::answer_or_explain(const std::string& message) {
    try {
        require_finite(print_answer(message));
    } catch (const Error& error) {
        const bool stopped = take_ctrl_c() && error.kind() == ErrorKind::kInterrupted;
        if (stopped) return console_.note("(stopped)");
        if (error.kind() != ErrorKind::kInput) throw;
        console_.report_error(error.what(), error.hint());
    }
    take_ctrl_c();
    throw_if_interrupted("");
}

ChatTurn ChatSession::print_answer(const std::string& message) {
    ChatTurn turn = chat_.answer(message, [this](std::string_view text) {
        console_.print(text);
        console_.flush();
    });
    if (!turn.text.ends_with('\n')) console_.print("\n");
    console_.flush();
    totals_.add(turn);
    const std::string left_out = left_out_note(turn, context_tokens_);
    if (!left_out.empty() && !said_left_out_) console_.note(left_out);
    said_left_out_ = said_left_out_ || !left_out.empty();
    const std::string end = end_note(turn, context_tokens_);
    if (!end.empty()) console_.note(end);
    return turn;
}

}  // namespace bitgauge
