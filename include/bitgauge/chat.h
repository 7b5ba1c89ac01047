#pragma once

// A conversation with a model: messages, the model's own template around them, and answers that
// arrive while they are written.
//
// Thread-compatible: one thread at a time per Chat; several may live at once. libllama ends the
// process on some damaged files; with `isolation` a child tries the file first.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/hub.h"
#include "bitgauge/progress.h"

namespace bitgauge {

struct ChatOptions {
    EngineOptions engine;
    Isolation isolation;
    uint32_t context_tokens = 4096;  // prompt and answer together
    std::string key_type = "f16";    // of what is kept of them; ggml's names
    std::string value_type = "f16";
    uint32_t answer_tokens = 0;  // at most; 0: until the context is full
    SamplingOptions sampling;
    uint32_t seed = 0;             // the n-th answer is drawn with seed + n, n from 0
    std::string system;            // a message before all others; empty: none
    std::string chat_template;     // Jinja, in place of the model's own; empty: that one
    bool raw = false;              // no template: texts are continued as they stand
    std::optional<bool> thinking;  // what the template gets as enable_thinking; nothing: it is not
                                   // given
};

struct ChatMessage {
    std::string role;     // "user", "assistant"
    std::string content;  // UTF-8
};

// One answer and what it took.
struct ChatTurn {
    std::string text;  // UTF-8, without the token that ended it
    enum class End {
        kComplete,
        kBudget,       // answer_tokens
        kContextFull,  // context_tokens
        kInterrupted,  // Ctrl-C
        kNotFinite,    // NaN among the logits
    } end = End::kComplete;
    uint64_t prompt_tokens = 0;  // the whole prompt
    uint64_t reused_tokens = 0;  // of it, those that an earlier turn had read
    uint64_t answer_tokens = 0;  // with the one that ended it
    double prompt_s = 0;         // until the first token of the answer is known
    double answer_s = 0;         // from there on
    uint64_t left_out = 0;       // turns that were dropped from the history for this one
    uint64_t kept = 0;           // turns before this one that it saw
};

// Called with each piece of an answer, whole characters, never empty.
using OnText = std::function<void(std::string_view)>;

class Chat {
  public:
    // Loads the model. Error(kInput): no model, damaged, no template although there is a system
    // message; Error(kEnvironment): memory, no Python with Jinja2 (at the first answer).
    Chat(const std::filesystem::path& model, const ChatOptions& options, Progress& progress);
    ~Chat();
    Chat(const Chat&) = delete;
    Chat& operator=(const Chat&) = delete;

    // False where texts are continued as they stand, each by itself, without a history.
    bool has_template() const;

    // The answer to a message of the user, which both go into the history; a part of an answer too,
    // unless it is empty. What an earlier turn has read is not read again as far as the tokens are
    // the same. Where the history leaves no room for the answer, its oldest turns are dropped for
    // good, so many that half of the context is free. An Error leaves the history as it was:
    // kInput for a message that is not UTF-8, is empty, or is longer than the context by itself,
    // or that the template refuses; kInterrupted at Ctrl-C before the first token.
    ChatTurn answer(const std::string& message, const OnText& on_text);

    const std::vector<ChatMessage>& history() const;  // user, assistant, user, ...
    void clear();                                     // the history; the system message stays
    // Error(kInput) for text that is not UTF-8, and without a template.
    void set_system(const std::string& text);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// The file that `name` means: a file, or USER/NAME[:TAG], from the cache, else fetched there. What
// is a file, has a name that ends in ".gguf" or begins with '/', '.' or '~' is never looked for on
// a server. Of shards the first. Errors as of hub.h.
std::filesystem::path find_model(const std::string& name, const HubOptions& options,
                                 Progress& progress);

}  // namespace bitgauge
