#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"
#include "bitgauge/tasks.h"

#include "base/files.h"
#include "base/hash.h"
#include "engine/isolated_job.h"

#include "tasks/answer_journal.h"
#include "tasks/ask.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// Prompt and choice, as they are tokenized together.
std::vector<std::string> choice_texts(const Question& question) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < question.choices.size(); ++i) {
        texts.push_back(question.kind == AnswerKind::kContinuation
                            ? continuation_text(question, i)
                            : letter_prompt(question) + " " + choice_letter(i));
    }
    return texts;
}

std::string key_of(const std::vector<std::string>& texts) {
    std::vector<std::string> hashes;
    hashes.reserve(texts.size());
    for (const std::string& text : texts) hashes.push_back(hash_text(text));
    return combined_hash(hashes);
}

// Libllama's version decides answers as well.
std::string engine_text() {
    const EngineDescription engine = describe_engine();
    return engine.llama + " " + engine.ggml;
}

JournalName journal_name(const fs::path& folder, const ModelIdentity& model, const char* kind,
                         const Json& settings) {
    const std::string identity = hash_text(
        fmt::format("{} {} {} {}", model.content_hash, kind, settings.dump(), engine_text()));
    return {folder / fmt::format("{}-{}-{}.jsonl", fs::path(model.file).stem().string(), kind,
                                 identity.substr(0, 12)),
            identity};
}

// All that decides a written answer.
Json writing_json(const AnswerSettings& s) {
    return {{"tokens", s.answer_tokens},
            {"thinking", s.thinking},
            {"sampling", to_json(s.sampling)},
            {"seed", s.seed}};
}

struct Asked {
    AskJob job;
    std::vector<std::string> keys;  // by question
};

// Questions with the same words are asked once.
Asked prepare(const fs::path& path, const ModelIdentity& model, std::span<const Question> questions,
              const AskOptions& options) {
    Asked asked;
    asked.job = {
        .model = path,
        .weighed = journal_name(options.folder, model, "weighed", Json::object()),
        .written = journal_name(options.folder, model, "written", writing_json(options.settings)),
        .settings = options.settings,
        .engine = options.engine};
    std::map<std::string, bool> known;
    for (const Question& question : questions) {
        if (is_weighed(question, options.settings)) {
            const auto texts = choice_texts(question);
            asked.keys.push_back(key_of(texts));
            if (known.try_emplace(asked.keys.back()).second) {
                asked.job.choices.push_back({asked.keys.back(), texts});
            }
        } else {
            const std::string messages = chat_messages(question);
            asked.keys.push_back(hash_text(messages));
            if (known.try_emplace(asked.keys.back()).second) {
                asked.job.chats.push_back({asked.keys.back(), messages});
            }
        }
    }
    return asked;
}

std::map<std::string, Answer> known_answers(const AskJob& job) {
    auto answers = read_journal(job.weighed.path, job.weighed.identity);
    answers.merge(read_journal(job.written.path, job.written.identity));
    return answers;
}

}  // namespace

size_t likeliest_choice(const Answer& answer) {
    std::vector<double> means;
    for (size_t i = 0; i < answer.log_likelihoods.size(); ++i) {
        means.push_back(answer.log_likelihoods[i] / std::max(answer.choice_tokens[i], 1U));
    }
    return static_cast<size_t>(std::max_element(means.begin(), means.end()) - means.begin());
}

bool is_weighed(const Question& question, const AnswerSettings& settings) {
    return question.kind == AnswerKind::kContinuation ||
           (question.kind == AnswerKind::kLetter && settings.by_likelihood);
}

AnsweredSet answer_questions(const fs::path& path, std::span<const Question> questions,
                             const AskOptions& options, Progress& progress) {
    const auto begun = std::chrono::steady_clock::now();
    AnsweredSet set;
    set.model = identify_model(GgufFile::open(path), /*with_hash=*/true);
    make_folder(options.folder);
    const Asked asked = prepare(path, set.model, questions, options);
    const auto before = known_answers(asked.job);
    for (const std::string& key : asked.keys) set.kept += before.contains(key) ? 1 : 0;
    if (set.kept < asked.keys.size()) {
        run_job(to_json(asked.job),
                options.folder / ("work-" + asked.job.weighed.identity.substr(0, 12)),
                options.isolation, progress, do_ask_job);
    }
    const auto answers = known_answers(asked.job);
    for (const std::string& key : asked.keys) set.answers.push_back(answers.at(key));
    set.elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return set;
}

}  // namespace bitgauge
