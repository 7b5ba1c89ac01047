#include "tasks/ask.h"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/text.h"

#include "engine/isolated_job.h"
#include "engine/load_memory_job.h"
#include "eval/work.h"

#include "tasks/answer_journal.h"
#include "tasks/generation.h"
#include "tasks/likelihood.h"

namespace bitgauge {
namespace {

template <class Prompt>
std::vector<Prompt> unanswered(const std::vector<Prompt>& prompts,
                               const std::map<std::string, Answer>& known) {
    std::vector<Prompt> rest;
    for (const Prompt& prompt : prompts) {
        if (!known.contains(prompt.key)) rest.push_back(prompt);
    }
    return rest;
}

// Without a template, the contents of the messages one after the other.
std::string plain_text(const std::string& messages_json) {
    std::string text;
    for (const Json& message : Json::parse(messages_json)) {
        text += message.at("content").get<std::string>() + "\n";
    }
    return text;
}

std::vector<std::string> prompt_texts(const Model& model, const std::vector<ChatPrompt>& chats,
                                      bool thinking, Progress& progress) {
    std::vector<std::string> messages;
    messages.reserve(chats.size());
    for (const ChatPrompt& chat : chats) messages.push_back(chat.messages_json);
    const ChatTemplate by = {model.chat_template(), model.bos_text(), model.eos_text()};
    if (!by.source.empty()) return render_prompts(messages, by, thinking);
    progress.warn("the model has no chat template: it is given each question as plain text");
    for (std::string& text : messages) text = plain_text(text);
    return messages;
}

// Templates may open the block of thoughts themselves.
std::string begun_answer(const std::string& prompt) {
    constexpr const char* kThink = "<think>";
    const size_t end = prompt.find_last_not_of(" \n");
    return prompt.substr(0, end + 1).ends_with(kThink) ? kThink : "";
}

// A template may have written the model's first token itself.
std::vector<TokenizedPrompt> tokenize_prompts(const Model& model,
                                              const std::vector<ChatPrompt>& chats, bool thinking,
                                              Progress& progress) {
    const std::vector<std::string> texts = prompt_texts(model, chats, thinking, progress);
    const std::string bos = model.bos_text();
    std::vector<TokenizedPrompt> prompts;
    for (size_t i = 0; i < chats.size(); ++i) {
        const bool has_bos = !bos.empty() && texts[i].starts_with(bos);
        prompts.push_back({chats[i].key,
                           model.tokenize(texts[i], /*add_special=*/!has_bos,
                                          /*parse_special=*/true),
                           begun_answer(texts[i])});
    }
    return prompts;
}

// What is left to ask, and where answers go.
template <class Prompt>
struct Rest {
    Rest(const std::vector<Prompt>& all, const JournalName& name)
        : journal(name), prompts(unanswered(all, read_journal(name.path, name.identity))) {}

    const JournalName& journal;
    std::vector<Prompt> prompts;
};

}  // namespace

void ask_model(const AskJob& job, Progress& progress) {
    const Rest choices(job.choices, job.weighed);
    const Rest chats(job.chats, job.written);
    const Rest beginnings(job.beginnings, job.written);
    const size_t asked = choices.prompts.size() + chats.prompts.size() + beginnings.prompts.size();
    if (asked == 0) return;
    const Model model = Model::load(job.model, job.engine);
    progress.begin("asking " + job.model.filename().string(), static_cast<int64_t>(asked),
                   job.beginnings.empty() ? "questions" : "continuations");
    const auto keep_in = [&progress](AnswerJournal& journal) {
        return [&journal, &progress](const Answer& answer) {
            journal.add(answer);
            progress.advance(1);
        };
    };
    if (!choices.prompts.empty()) {
        AnswerJournal journal(job.weighed);
        weigh_choices(model, choices.prompts, job.engine, keep_in(journal));
    }
    auto prompts = beginnings.prompts;
    if (!chats.prompts.empty()) {
        prompts = tokenize_prompts(model, chats.prompts, job.settings.thinking, progress);
    }
    if (!prompts.empty()) {
        AnswerJournal journal(job.written);
        generate_answers(model, prompts, job.settings, job.engine, keep_in(journal));
    }
    progress.end();
}

Json do_ask_job(const Json& job, Progress& progress) {
    ask_model(ask_job_from_json(job), progress);
    return Json::object();
}

int run_any_worker(const std::filesystem::path& job_file, Progress& progress) {
    return run_worker(job_file, progress, [](const Json& job, Progress& of) {
        if (job.at("job") == kLoadMemoryJob) return do_load_memory_job(job, of);
        return job.at("job") == kAskJob ? do_ask_job(job, of) : do_eval_job(job, of);
    });
}

}  // namespace bitgauge
