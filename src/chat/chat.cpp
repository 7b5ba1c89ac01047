#include "bitgauge/chat.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "base/interrupt.h"
#include "base/json.h"
#include "engine/model_trial.h"
#include "engine/token_reader.h"
#include "text/utf8.h"

#include "chat/answer_writer.h"
#include "chat/fit_history.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kThink = "<think>";

ContextShape shape_of(const ChatOptions& options) {
    return {.window_tokens = options.context_tokens,
            .call_tokens = 1,
            .key_type = options.key_type,
            .value_type = options.value_type};
}

WriterOptions writer_options(const Model& model, const ChatOptions& options) {
    return {.window_tokens = options.context_tokens,
            .vocabulary = model.vocabulary(),
            .answer_tokens = options.answer_tokens,
            .sampling = options.sampling,
            .seed = options.seed};
}

// Templates may open the block of thoughts themselves.
std::string begun_answer(const std::string& prompt) {
    const size_t end = prompt.find_last_not_of(" \n");
    const bool begun = prompt.substr(0, end + 1).ends_with(kThink);
    return begun ? kThink + prompt.substr(end + 1) : "";
}

std::string messages_json(const std::string& system, const std::vector<ChatMessage>& history,
                          size_t first, const std::string& message) {
    Json messages = Json::array();
    const auto add = [&](const std::string& role, const std::string& content) {
        messages.push_back({{"role", role}, {"content", content}});
    };
    if (!system.empty()) add("system", system);
    for (size_t i = first; i < history.size(); ++i) add(history[i].role, history[i].content);
    add("user", message);
    return messages.dump();
}

}  // namespace

struct Chat::State {
    State(const fs::path& path, const ChatOptions& chosen)
        : options(chosen),
          model(Model::load(path, options.engine)),
          reader(reader_of(model, shape_of(options), options.engine)),
          words(words_of(model)),
          writer(*reader, *words, writer_options(model, options)) {
        start_renderer();
    }

    void start_renderer() {
        const std::string& own = options.chat_template;
        const std::string source = own.empty() ? model.chat_template() : own;
        if (options.raw || is_blank(source)) return;
        renderer.emplace(ChatTemplate{source, model.bos_text(), model.eos_text()});
    }

    void require_system(const std::string& text) const {
        require_utf8(text, "system message");
        if (text.empty() || renderer) return;
        throw Error(ErrorKind::kInput, "a system message needs a chat template",
                    "--chat-template FILE gives the model one");
    }

    // A template may have written the model's first token itself.
    std::vector<TokenId> tokenize(const std::string& text) const {
        const std::string bos = model.bos_text();
        const bool has_bos = renderer && !bos.empty() && text.starts_with(bos);
        return model.tokenize(text, /*add_special=*/!has_bos, /*parse_special=*/true);
    }

    std::vector<TokenId> prompt_of(size_t left_out, const std::string& message) {
        prompt = renderer ? renderer->render(
                                messages_json(options.system, history, 2 * left_out, message),
                                options.thinking)
                          : message;
        return tokenize(prompt);
    }

    ChatTurn answer(const std::string& message, const OnText& on_text) {
        const auto fitted =
            fit_history(history.size() / 2, options.context_tokens,
                        room_for_answer(options.context_tokens, options.answer_tokens),
                        [&](size_t left_out) { return prompt_of(left_out, message); });
        ChatTurn turn = writer.write(fitted.tokens, renderer ? begun_answer(prompt) : "", on_text);
        turn.left_out = fitted.left_out;
        turn.kept = history.size() / 2 - fitted.left_out;
        return turn;
    }

    // Nothing of the user's stays without an answer: templates want both in turns.
    void remember(const std::string& message, const ChatTurn& turn) {
        const auto dropped = static_cast<ptrdiff_t>(2 * turn.left_out);
        history.erase(history.begin(), history.begin() + dropped);
        if (!renderer || (turn.text.empty() && turn.end != ChatTurn::End::kComplete)) return;
        history.push_back({"user", message});
        history.push_back({"assistant", turn.text});
    }

    ChatOptions options;
    Model model;
    std::unique_ptr<TokenReader> reader;
    std::unique_ptr<TokenWords> words;
    AnswerWriter writer;
    std::optional<PromptRenderer> renderer;  // none: texts are continued as they stand
    std::vector<ChatMessage> history;
    std::string prompt;  // rendered last
};

Chat::Chat(const fs::path& model, const ChatOptions& options, Progress& progress) {
    if (options.isolation.program) {
        try_model(model, shape_of(options), options.engine, options.isolation, progress);
    }
    state_ = std::make_unique<State>(model, options);
    state_->require_system(options.system);
}

Chat::~Chat() = default;

bool Chat::has_template() const {
    return state_->renderer.has_value();
}

ChatTurn Chat::answer(const std::string& message, const OnText& on_text) {
    require_utf8(message, "message");
    if (message.empty()) {
        throw Error(ErrorKind::kInput, "the message is empty", "give a text with a character");
    }
    ChatTurn turn = state_->answer(message, on_text);
    state_->remember(message, turn);
    return turn;
}

const std::vector<ChatMessage>& Chat::history() const {
    return state_->history;
}

void Chat::clear() {
    state_->history.clear();
}

void Chat::set_system(const std::string& text) {
    state_->require_system(text);
    state_->options.system = text;
}

}  // namespace bitgauge
