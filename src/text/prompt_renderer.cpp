#include <chrono>
#include <csignal>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "base/dialogue_child.h"
#include "base/json.h"
#include "base/scripts.h"
#include "text/renderer.h"

namespace bitgauge {
namespace {

constexpr const char* kPromptScript = "render_chats.py";
constexpr std::chrono::seconds kPatience{60};  // with one conversation

// One line in ASCII, whatever bytes the template has.
std::string line_of(const Json& json) {
    return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

}  // namespace

struct PromptRenderer::State {
    explicit State(const ChatTemplate& by) : chat_template(by) { start(); }

    void start() {
        interpreter = script_python();
        child.emplace(std::vector<std::string>{"/usr/bin/env", interpreter,
                                               script_path(kPromptScript).string(), "-"});
        child->tell(line_of({{"template", chat_template.source},
                             {"bos_token", chat_template.bos_token},
                             {"eos_token", chat_template.eos_token},
                             {"answer", true}}));
    }

    // One that ended cannot be asked again.
    [[noreturn]] void fail() {
        const DialogueChild::End end = child->end();
        child.reset();
        if (end.timed_out || end.signal == SIGXCPU || end.signal == SIGKILL) {
            throw Error(ErrorKind::kInput,
                        fmt::format("the chat template ran longer than {} s", kPatience.count()),
                        "check the template for a loop without end");
        }
        fail_renderer(interpreter, end.status, end.signal, end.errors);
    }

    Json ask(const Json& conversation) {
        if (!child) start();
        child->tell(line_of(conversation));
        std::optional<std::string> line;
        try {
            line = child->hear(kPatience);
        } catch (const Error&) {
            child.reset();
            throw;
        }
        if (!line) fail();
        return Json::parse(*line);
    }

    ChatTemplate chat_template;
    std::string interpreter;
    std::optional<DialogueChild> child;
};

PromptRenderer::PromptRenderer(const ChatTemplate& chat_template)
    : state_(std::make_unique<State>(chat_template)) {}
PromptRenderer::~PromptRenderer() = default;
PromptRenderer::PromptRenderer(PromptRenderer&&) noexcept = default;
PromptRenderer& PromptRenderer::operator=(PromptRenderer&&) noexcept = default;

std::string PromptRenderer::render(const std::string& messages_json, std::optional<bool> thinking) {
    Json conversation = {{"messages", Json::parse(messages_json)}};
    if (thinking) conversation["thinking"] = *thinking;
    const Json answer = state_->ask(conversation);
    if (answer.contains("template_error")) {
        throw Error(ErrorKind::kInput,
                    fmt::format("the chat template cannot be parsed: {}",
                                answer["template_error"].get<std::string>()),
                    "bitgauge template tells more; give another one as a file");
    }
    if (answer.contains("error")) {
        throw Error(ErrorKind::kInput,
                    fmt::format("the chat template refuses the conversation: {}",
                                answer["error"].get<std::string>()),
                    "bitgauge template tells what this template wants");
    }
    return answer.at("text");
}

}  // namespace bitgauge
