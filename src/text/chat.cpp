#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "base/json.h"
#include "text/child_process.h"
#include "text/corpus_key.h"
#include "text/utf8.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kScript = "render_chats.py";
constexpr int kStatusNoJinja = 3;  // of the script

std::vector<Document*> chats_of(Corpus& corpus) {
    std::vector<Document*> chats;
    for (Document& document : corpus.documents) {
        if (!document.messages_json.empty()) chats.push_back(&document);
    }
    return chats;
}

// The installed script beside the program, else the one of the source tree.
fs::path script_path() {
    std::error_code unknown;
    const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
    const fs::path installed = program.parent_path().parent_path() / "share/bitgauge" / kScript;
    for (const fs::path& path : {installed, fs::path(BITGAUGE_SCRIPTS) / kScript}) {
        if (fs::exists(path, unknown)) return path;
    }
    throw Error(ErrorKind::kEnvironment,
                fmt::format("'{}', which renders chats, is neither at '{}' nor in '{}'", kScript,
                            installed.string(), BITGAUGE_SCRIPTS),
                "install bitgauge again, or run it from its source tree");
}

std::string private_python() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    if (cache != nullptr) return (fs::path(cache) / "bitgauge/venv/bin/python").string();
    if (home != nullptr) return (fs::path(home) / ".cache/bitgauge/venv/bin/python").string();
    return {};
}

std::string python() {
    if (const char* chosen = std::getenv("BITGAUGE_PYTHON")) return chosen;
    std::error_code unknown;
    const std::string own = private_python();
    return !own.empty() && fs::exists(own, unknown) ? own : "python3";
}

std::string job_of(const std::vector<Document*>& chats, const std::string& chat_template,
                   const std::string& bos_token, const std::string& eos_token) {
    Json job = {{"template", chat_template}, {"bos_token", bos_token}, {"eos_token", eos_token}};
    job["conversations"] = Json::array();
    for (const Document* chat : chats) {
        Json conversation = {{"messages", Json::parse(chat->messages_json)}};
        conversation["tools"] = chat->tools_json.empty() ? Json() : Json::parse(chat->tools_json);
        job["conversations"].push_back(std::move(conversation));
    }
    return job.dump();
}

std::string last_line(std::string text) {
    while (!text.empty() && is_blank(text.substr(text.size() - 1))) text.pop_back();
    const size_t line_end = text.rfind('\n');
    return line_end == std::string::npos ? text : text.substr(line_end + 1);
}

constexpr const char* kSetupHint =
    "run scripts/setup, or set BITGAUGE_PYTHON to a Python with Jinja2";

void require_success(const ChildResult& result, const std::string& interpreter) {
    if (result.signal == 0 && result.exit_status == 0) return;
    if (result.signal == SIGXCPU || result.signal == SIGKILL) {
        throw Error(ErrorKind::kInput, "the chat template ran longer than 60 s of processor time",
                    "check the template for a loop without end, or give fewer chats at once");
    }
    if (result.exit_status == kStatusNoJinja) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("chats cannot be rendered: '{}' has no Jinja2", interpreter),
                    kSetupHint);
    }
    throw Error(
        ErrorKind::kEnvironment,
        fmt::format("chats cannot be rendered: '{}' ended with status {}, signal {}: {}",
                    interpreter, result.exit_status, result.signal, last_line(result.errors)),
        kSetupHint);
}

ChildResult run_script(const std::string& job) {
    const std::string interpreter = python();
    ChildResult result;
    try {
        result = run_child({interpreter, script_path().string()}, job);
    } catch (const Error& error) {
        if (!error.hint().empty()) throw;
        throw Error(error.kind(), fmt::format("chats cannot be rendered: {}", error.what()),
                    kSetupHint);
    }
    require_success(result, interpreter);
    return result;
}

void take_texts(const std::vector<Document*>& chats, const Json& answer) {
    if (answer.contains("template_error")) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("the chat template cannot be parsed: {}",
                        answer["template_error"].get<std::string>()),
            "it is the model's own (tokenizer.chat_template); give the chats as text instead");
    }
    const Json& results = answer.at("results");
    for (size_t i = 0; i < chats.size(); ++i) {
        if (results.at(i).contains("error")) {
            throw Error(ErrorKind::kInput,
                        fmt::format("the chat template refuses conversation {} of {} ('{}'): {}",
                                    i + 1, chats.size(), chats[i]->stratum,
                                    results[i]["error"].get<std::string>()),
                        "correct or drop this conversation");
        }
        chats[i]->text = results[i].at("text");
    }
}

void require_template(const std::string& chat_template, size_t chats) {
    if (!is_blank(chat_template)) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the text has {} chats but the model has no chat template", chats),
                "give the chats as text, or use a model with tokenizer.chat_template");
}

}  // namespace

void render_chats(Corpus& corpus, const std::string& chat_template, const std::string& bos_token,
                  const std::string& eos_token) {
    const std::vector<Document*> chats = chats_of(corpus);
    if (chats.empty()) return;
    require_template(chat_template, chats.size());
    const ChildResult result = run_script(job_of(chats, chat_template, bos_token, eos_token));
    take_texts(chats, Json::parse(result.output));
    corpus.key = corpus_key(corpus.documents);
}

}  // namespace bitgauge
