#include "cli/line_editor.h"

#include <clocale>
#include <cstdio>
#include <cstring>
#include <cwchar>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"

namespace bitgauge {
namespace {

constexpr const char* kPrompt = "> ";
constexpr const char* kMorePrompt = ". ";
constexpr int kKeptLines = 1000;
constexpr int kAskEveryMs = 200;  // whether there was an interrupt

// False at the end of the input and at an interrupt.
bool read_byte(char& byte) {
    while (!interrupted()) {
        pollfd input = {STDIN_FILENO, POLLIN, 0};
        if (::poll(&input, 1, kAskEveryMs) > 0) return ::read(STDIN_FILENO, &byte, 1) == 1;
    }
    return false;
}

// What libedit reads with: its own way would not come back at Ctrl-C.
int read_character(EditLine*, wchar_t* character) {
    constexpr auto kIncomplete = static_cast<size_t>(-2);
    constexpr auto kInvalid = static_cast<size_t>(-1);
    std::mbstate_t state{};
    for (char byte = 0; read_byte(byte);) {
        const size_t n = std::mbrtowc(character, &byte, 1, &state);
        if (n == kInvalid) state = {};
        if (n != kIncomplete && n != kInvalid) return 1;
    }
    return -1;
}

// libedit takes bytes for characters as the locale says.
void speak_utf8() {
    std::setlocale(LC_CTYPE, "");
    if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

char* prompt_of(EditLine* editor) {
    void* prompt = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &prompt);
    return *static_cast<char**>(prompt);
}

}  // namespace

struct LineEditor::State {
    State() {
        speak_utf8();
        FILE* out = ::isatty(STDOUT_FILENO) == 1 ? stdout : stderr;
        editor.reset(::el_init("bitgauge", stdin, out, stderr));
        history.reset(::history_init());
        if (!editor || !history) {
            throw Error(ErrorKind::kEnvironment, "the terminal cannot be used for typing",
                        "give the text with -p, or through a pipe");
        }
        HistEvent event;
        ::history(history.get(), &event, H_SETSIZE, kKeptLines);
        ::el_set(editor.get(), EL_CLIENTDATA, &prompt);
        ::el_set(editor.get(), EL_PROMPT, &prompt_of);
        ::el_set(editor.get(), EL_EDITOR, "emacs");
        ::el_set(editor.get(), EL_HIST, ::history, history.get());
        ::el_source(editor.get(), nullptr);  // the user's ~/.editrc
        ::el_set(editor.get(), EL_GETCFN, &read_character);
    }

    // libedit wants a text that it could write to, and does not.
    void ask(const char* text) { prompt = const_cast<char*>(text); }

    // False at the end and at Ctrl-C.
    bool read_line(std::string& line) {
        ::el_resize(editor.get());
        int length = 0;
        const char* text = ::el_gets(editor.get(), &length);
        if (text == nullptr || length <= 0) return false;
        line.assign(text, static_cast<size_t>(length));
        if (line.ends_with('\n')) line.pop_back();
        return true;
    }

    void remember(const std::string& line) {
        HistEvent event;
        if (!line.empty()) ::history(history.get(), &event, H_ENTER, line.c_str());
    }

    char* prompt = nullptr;
    std::unique_ptr<EditLine, void (*)(EditLine*)> editor{nullptr, ::el_end};
    std::unique_ptr<History, void (*)(History*)> history{nullptr, ::history_end};
};

LineEditor::LineEditor() : state_(std::make_unique<State>()) {}
LineEditor::~LineEditor() = default;

TypedText LineEditor::read() {
    TypedText typed;
    std::string line;
    state_->ask(kPrompt);
    while (state_->read_line(line)) {
        state_->remember(line);
        const bool goes_on = line.ends_with('\\');
        if (goes_on) line.back() = '\n';
        typed.text += line;
        if (!goes_on) return typed;
        state_->ask(kMorePrompt);
    }
    typed.how = take_ctrl_c() ? TypedText::How::kInterrupted : TypedText::How::kEnd;
    throw_if_interrupted("");
    return typed;
}

}  // namespace bitgauge
