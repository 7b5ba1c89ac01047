#pragma once

// Questions put to a model: which choice it finds likeliest, what it answers, and how often that is
// right, with intervals and beside the original on the same questions.

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/identity.h"
#include "bitgauge/progress.h"
#include "bitgauge/questions.h"
#include "bitgauge/task_record.h"
#include "bitgauge/verdict.h"

namespace bitgauge {

// How questions are asked. All of it decides the answers, and so is part of what they are kept
// under.
struct AnswerSettings {
    // Questions with choices by the likelihood of each choice, without a word being generated; off:
    // the answer is written out, and read.
    bool by_likelihood = true;
    uint32_t answer_tokens = 1024;  // most of one generated answer, thinking included
    bool thinking = false;          // where the chat template knows the word
    SamplingOptions sampling;
    uint64_t seed = 0;  // each question draws from its own: the order does not matter
    // How many are worked on at a time. Does not decide answers but for the last bits.
    uint32_t parallel = 16;
};

// What a model said to one question.
struct Answer {
    std::string key;  // of what was asked, word for word
    // By likelihood: per choice the sum of ln p over its own tokens (from where the choices part),
    // and how many those are.
    std::vector<double> log_likelihoods;
    std::vector<uint32_t> choice_tokens;
    // Generated.
    std::string text;
    uint32_t tokens = 0;  // with the one that ended it
    std::vector<TokenId> token_ids;
    // kTooLong: the prompt, which was not asked. kNotFinite: no token could be chosen.
    enum class End { kComplete, kBudget, kTooLong, kNotFinite } end = End::kComplete;
};

struct AskOptions {
    AnswerSettings settings;
    EngineOptions engine;
    Isolation isolation;
    // Answers are kept here, by model, settings and what was asked: nothing is asked twice.
    std::filesystem::path folder;
};

// What one model said to the questions.
struct AnsweredSet {
    ModelIdentity model;
    std::vector<Answer> answers;  // one per question, in their order
    uint64_t kept = 0;            // of them, how many had been there before
    double elapsed_s = 0;         // of this call
};

// Puts every question to the model of the file. Answers are on disk as soon as they are complete,
// so a killed run goes on with the next question. Errors: kInput for a file that is no model or
// that libllama refuses, kEnvironment, kInterrupted.
AnsweredSet answer_questions(const std::filesystem::path& model,
                             std::span<const Question> questions, const AskOptions& options,
                             Progress& progress);

// What `bitgauge worker JOB` does: run_worker() of eval.h, for this room's jobs as well. The
// program of AskOptions::isolation and DriftOptions::isolation must call it.
int run_any_worker(const std::filesystem::path& job_file, Progress& progress);

// The choice of the largest mean ln p per token [as llama-perplexity; "acc_norm" of lm-eval is the
// same per byte]. The first of equals. Requires an answer by likelihood.
size_t likeliest_choice(const Answer& answer);

// Which answers are right. By likelihood: the likeliest choice is the right one. Written: as
// judge_answers() of verdict.h, whose errors these are. One verdict per question.
std::vector<Verdict> judge(std::span<const Question> questions, const std::vector<Answer>& answers,
                           const JudgeLimits& limits = {});

// What the record of a model's answers would be kept under, and the record.
struct TaskIdentity {
    std::string mix;
    std::string questions_key;
    TaskSettings settings;
};
TaskIdentity task_identity(const std::string& mix, std::span<const Question> questions,
                           const AnswerSettings& settings);
TaskRecord make_task_record(const TaskIdentity& identity, std::span<const Question> questions,
                            const AnsweredSet& answered, std::span<const Verdict> verdicts,
                            const EngineOptions& engine);

// Whether a question is asked by likelihood under these settings, or answered in words.
bool is_weighed(const Question& question, const AnswerSettings& settings);

}  // namespace bitgauge
