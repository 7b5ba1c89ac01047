#include <algorithm>
#include <cmath>
#include <iterator>

#include "tasks/ask.h"

namespace bitgauge {
namespace {

constexpr const char* kEnds[] = {"complete", "budget", "prompt too long", "not finite"};

Json journal_json(const JournalName& journal) {
    return {{"path", journal.path.string()}, {"identity", journal.identity}};
}

JournalName journal_from_json(const Json& json) {
    return {json.at("path").get<std::string>(), json.at("identity")};
}

SamplingOptions sampling_from_json(const Json& json) {
    return {.temperature = json.at("temperature"),
            .top_k = json.at("top_k"),
            .top_p = json.at("top_p"),
            .min_p = json.at("min_p")};
}

AnswerSettings settings_from_json(const Json& json) {
    return {.by_likelihood = json.at("by_likelihood"),
            .answer_tokens = json.at("answer_tokens"),
            .thinking = json.at("thinking"),
            .sampling = sampling_from_json(json.at("sampling")),
            .seed = json.at("seed"),
            .parallel = json.at("parallel")};
}

Answer::End end_from(const std::string& text) {
    const auto found = std::ranges::find(kEnds, text);
    return static_cast<Answer::End>(found == std::end(kEnds) ? 0 : found - std::begin(kEnds));
}

}  // namespace

Json to_json(const SamplingOptions& o) {
    return {
        {"temperature", o.temperature}, {"top_k", o.top_k}, {"top_p", o.top_p}, {"min_p", o.min_p}};
}

Json to_json(const AnswerSettings& s) {
    return {{"by_likelihood", s.by_likelihood},
            {"answer_tokens", s.answer_tokens},
            {"thinking", s.thinking},
            {"sampling", to_json(s.sampling)},
            {"seed", s.seed},
            {"parallel", s.parallel}};
}

Json to_json(const AskJob& job) {
    Json json = {{"job", kAskJob},
                 {"model", job.model.string()},
                 {"weighed", journal_json(job.weighed)},
                 {"written", journal_json(job.written)},
                 {"settings", to_json(job.settings)},
                 {"threads", job.engine.threads},
                 {"gpu_layers", job.engine.gpu_layers},
                 {"choices", Json::array()},
                 {"chats", Json::array()},
                 {"beginnings", Json::array()}};
    for (const auto& prompt : job.choices) {
        json["choices"].push_back({{"key", prompt.key}, {"texts", prompt.texts}});
    }
    for (const auto& prompt : job.chats) {
        json["chats"].push_back({{"key", prompt.key}, {"messages", prompt.messages_json}});
    }
    for (const auto& prompt : job.beginnings) {
        json["beginnings"].push_back({{"key", prompt.key}, {"tokens", prompt.tokens}});
    }
    return json;
}

AskJob ask_job_from_json(const Json& json) {
    AskJob job;
    job.model = json.at("model").get<std::string>();
    job.weighed = journal_from_json(json.at("weighed"));
    job.written = journal_from_json(json.at("written"));
    job.settings = settings_from_json(json.at("settings"));
    job.engine.threads = json.at("threads");
    job.engine.gpu_layers = json.at("gpu_layers");
    for (const Json& prompt : json.at("choices")) {
        job.choices.push_back({prompt.at("key"), prompt.at("texts")});
    }
    for (const Json& prompt : json.at("chats")) {
        job.chats.push_back({prompt.at("key"), prompt.at("messages")});
    }
    for (const Json& prompt : json.at("beginnings")) {
        job.beginnings.push_back({prompt.at("key"), prompt.at("tokens")});
    }
    return job;
}

Json to_json(const Answer& answer) {
    if (!answer.log_likelihoods.empty()) {
        return {{"key", answer.key},
                {"log_likelihoods", answer.log_likelihoods},
                {"tokens", answer.choice_tokens}};
    }
    return {{"key", answer.key},
            {"text", answer.text},
            {"tokens", answer.tokens},
            {"token_ids", answer.token_ids},
            {"end", kEnds[static_cast<int>(answer.end)]}};
}

Answer answer_from_json(const Json& json) {
    Answer answer;
    answer.key = json.at("key");
    if (json.contains("log_likelihoods")) {
        // a number that is none is written as null
        for (const Json& value : json.at("log_likelihoods")) {
            answer.log_likelihoods.push_back(value.is_number() ? value.get<double>() : NAN);
        }
        answer.choice_tokens = json.at("tokens").get<std::vector<uint32_t>>();
        return answer;
    }
    answer.text = json.at("text");
    answer.tokens = json.at("tokens");
    answer.token_ids = json.at("token_ids").get<std::vector<TokenId>>();
    answer.end = end_from(json.at("end"));
    return answer;
}

}  // namespace bitgauge
