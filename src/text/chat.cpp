#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "base/child_process.h"
#include "base/files.h"
#include "base/json.h"
#include "base/scripts.h"
#include "text/corpus_key.h"
#include "text/renderer.h"
#include "text/utf8.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kScript = "render_chats.py";

std::vector<Document*> chats_of(Corpus& corpus) {
    std::vector<Document*> chats;
    for (Document& document : corpus.documents) {
        if (!document.messages_json.empty()) chats.push_back(&document);
    }
    return chats;
}

Json job_of(const ChatTemplate& by) {
    return {{"template", by.source},
            {"bos_token", by.bos_token},
            {"eos_token", by.eos_token},
            {"conversations", Json::array()}};
}

Json conversation(const std::string& messages_json, const std::string& tools_json) {
    return {{"messages", Json::parse(messages_json)},
            {"tools", tools_json.empty() ? Json() : Json::parse(tools_json)}};
}

void require_success(const ChildOutcome& outcome, const std::string& interpreter) {
    if (outcome.signal == 0 && outcome.status == 0) return;
    if (outcome.signal == SIGXCPU || outcome.signal == SIGKILL) {
        throw Error(ErrorKind::kInput, "the chat template ran longer than 60 s of processor time",
                    "check the template for a loop without end, or give fewer chats at once");
    }
    fail_renderer(interpreter, outcome.status, outcome.signal, outcome.last_errors);
}

// One answer per chat, or the single one that the template cannot be parsed.
std::vector<Json> run_script(const std::string& job) {
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "job.json";
    write_file_atomically(file, job);
    const std::string interpreter = script_python();
    std::vector<Json> answers;
    const ChildOutcome outcome =
        run_child("/usr/bin/env", {interpreter, script_path(kScript).string(), file.string()},
                  [&](const std::string& line) { answers.push_back(Json::parse(line)); });
    require_success(outcome, interpreter);
    return answers;
}

void require_parsed(const std::vector<Json>& answers, size_t chats) {
    if (!answers.empty() && answers[0].contains("template_error")) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("the chat template cannot be parsed: {}",
                        answers[0]["template_error"].get<std::string>()),
            "it is the model's own (tokenizer.chat_template); give the chats as text instead");
    }
    if (answers.size() == chats) return;
    throw Error(ErrorKind::kEnvironment,
                fmt::format("{} of {} chats came back from the renderer", answers.size(), chats));
}

// `of`: what names conversation i.
std::vector<std::string> texts_of(const std::vector<Json>& answers,
                                  const std::function<std::string(size_t)>& of) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].contains("error")) {
            throw Error(ErrorKind::kInput,
                        fmt::format("the chat template refuses conversation {} of {}{}: {}", i + 1,
                                    answers.size(), of(i), answers[i]["error"].get<std::string>()),
                        "correct or drop this conversation");
        }
        texts.push_back(answers[i].at("text"));
    }
    return texts;
}

void require_template(const std::string& chat_template, size_t chats) {
    if (!is_blank(chat_template)) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the text has {} chats but the model has no chat template", chats),
                "give the chats as text, or use a model with tokenizer.chat_template");
}

}  // namespace

void render_chats(Corpus& corpus, const ChatTemplate& chat_template) {
    const std::vector<Document*> chats = chats_of(corpus);
    if (chats.empty()) return;
    require_template(chat_template.source, chats.size());
    Json job = job_of(chat_template);
    for (const Document* chat : chats) {
        job["conversations"].push_back(conversation(chat->messages_json, chat->tools_json));
    }
    const std::vector<Json> answers = run_script(job.dump());
    require_parsed(answers, chats.size());
    auto texts =
        texts_of(answers, [&](size_t i) { return fmt::format(" ('{}')", chats[i]->stratum); });
    for (size_t i = 0; i < chats.size(); ++i) chats[i]->text = std::move(texts[i]);
    corpus.key = corpus_key(corpus.documents);
}

std::vector<std::string> render_prompts(std::span<const std::string> messages_json,
                                        const ChatTemplate& chat_template, bool thinking) {
    if (messages_json.empty()) return {};
    require_template(chat_template.source, messages_json.size());
    Json job = job_of(chat_template);
    job["answer"] = true;
    job["thinking"] = thinking;
    for (const std::string& messages : messages_json) {
        job["conversations"].push_back(conversation(messages, ""));
    }
    const std::vector<Json> answers = run_script(job.dump());
    require_parsed(answers, messages_json.size());
    return texts_of(answers, [](size_t) { return std::string(); });
}

}  // namespace bitgauge
