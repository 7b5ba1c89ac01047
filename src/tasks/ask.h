#pragma once

// What a model is asked and what it answers, in the words that go between parent and child and stay
// in the journal.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/tasks.h"

#include "base/json.h"

namespace bitgauge {

// By likelihood: which text is the likeliest from where they part.
struct ChoicePrompt {
    std::string key;                 // names the answer in the journal
    std::vector<std::string> texts;  // prompt and choice, one per choice; two or more
};

// By generation.
struct ChatPrompt {
    std::string key;
    std::string messages_json;
};

// Tokens to be gone on from.
struct TokenizedPrompt {
    std::string key;
    std::vector<TokenId> tokens;
    std::string begun;  // what of the answer the prompt holds already: "<think>"
};

// Where answers are kept, and what they are answers of.
struct JournalName {
    std::filesystem::path path;
    std::string identity;  // of model and settings; stands in the journal's first line
};

struct AskJob {
    std::filesystem::path model;
    JournalName weighed;  // of `choices`
    JournalName written;  // of `chats` and `beginnings`
    std::vector<ChoicePrompt> choices;
    std::vector<ChatPrompt> chats;
    std::vector<TokenizedPrompt> beginnings;
    AnswerSettings settings;
    EngineOptions engine;
};

constexpr const char* kAskJob = "ask";

Json to_json(const AskJob& job);
AskJob ask_job_from_json(const Json& json);
Json to_json(const AnswerSettings& settings);
Json to_json(const SamplingOptions& options);

Json to_json(const Answer& answer);
Answer answer_from_json(const Json& json);

// Does a job of kind kAskJob.
Json do_ask_job(const Json& job, Progress& progress);

// Asks what the journals do not hold yet, and adds each answer as soon as it is complete.
// Loads the model in this process, which libllama may end.
void ask_model(const AskJob& job, Progress& progress);

}  // namespace bitgauge
