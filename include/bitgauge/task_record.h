#pragma once

// How often one model answered right, question by question, with everything needed to repeat it and
// to pair it with others over the same questions: `bitgauge.tasks/1`.

#include <cstdint>
#include <string>
#include <vector>

#include "bitgauge/identity.h"
#include "bitgauge/record.h"

namespace bitgauge {

// How the questions were asked; AnswerSettings of tasks.h, as it decides answers.
struct TaskSettings {
    bool by_likelihood = false;
    uint32_t answer_tokens = 0;
    bool thinking = false;
    double temperature = 0;
    int32_t top_k = 0;
    double top_p = 1;
    double min_p = 0;
    uint64_t seed = 0;
    uint32_t shots = 0;  // most examples before a question
    bool operator==(const TaskSettings&) const = default;
};

// One entry per question, in the order they were drawn.
struct TaskSeries {
    std::vector<std::string> question;  // its id within its set
    std::vector<uint32_t> set;          // index into TaskRecord::sets
    std::vector<uint32_t> cluster;      // category of its set, or the question itself
    std::vector<uint32_t> right;        // 0 or 1
};

// Answers that are wrong for a reason of their own.
struct TaskFailures {
    uint64_t budget = 0;      // cut off by the token budget
    uint64_t too_long = 0;    // the prompt does not fit the trained context: never asked
    uint64_t not_finite = 0;  // likelihoods that are no numbers
    uint64_t unreadable = 0;  // written to the end, but nothing in it that is an answer
};

struct TaskRecord {
    static constexpr const char* kSchema = "bitgauge.tasks/1";

    std::string key;          // content key: model, questions, settings, build
    std::string created_utc;  // "2026-11-21T12:00:00Z"
    ModelIdentity model;
    std::string mix;            // "published-750", or the names of the files
    std::string questions_key;  // equal: the same questions, drawn in the same order
    TaskSettings settings;
    std::vector<std::string> sets;
    uint32_t clusters = 0;
    TaskSeries answers;
    TaskFailures failures;
    uint64_t written_tokens = 0;
    BuildIdentity build;
    double elapsed_s = 0;
};

}  // namespace bitgauge
