#include "bitgauge/task_record.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/tasks.h"

#include "base/clock.h"
#include "base/hash.h"

namespace bitgauge {
namespace {

bool is_finite(const Answer& answer) {
    return std::all_of(answer.log_likelihoods.begin(), answer.log_likelihoods.end(),
                       [](double value) { return std::isfinite(value); });
}

bool was_weighed(const Answer& answer) {
    return !answer.log_likelihoods.empty();
}

Verdict weighed_verdict(const Question& question, const Answer& answer) {
    if (!is_finite(answer)) return {.note = "a likelihood is not finite"};
    const size_t chosen = likeliest_choice(answer);
    return {.correct = chosen == static_cast<size_t>(question.correct),
            .found = question.choices[chosen]};
}

// Numbers names as they come: 0, 1, 2, ...
class Numbering {
  public:
    uint32_t of(const std::string& name) {
        const auto [place, is_new] = numbers_.try_emplace(name, names_.size());
        if (is_new) names_.push_back(name);
        return place->second;
    }
    const std::vector<std::string>& names() const { return names_; }

  private:
    std::map<std::string, uint32_t> numbers_;
    std::vector<std::string> names_;
};

std::string cluster_name(const Question& question) {
    return question.category.empty() ? question.set + "\n\n" + question.id
                                     : question.set + "\n" + question.category;
}

void count_failure(const Answer& answer, const Verdict& verdict, TaskFailures& failures) {
    if (!is_finite(answer) || answer.end == Answer::End::kNotFinite) {
        ++failures.not_finite;
    } else if (was_weighed(answer)) {
        return;
    } else if (answer.end == Answer::End::kBudget) {
        ++failures.budget;
    } else if (answer.end == Answer::End::kTooLong) {
        ++failures.too_long;
    } else if (verdict.found.empty()) {
        ++failures.unreadable;
    }
}

std::string key_of(const TaskRecord& record) {
    const TaskSettings& s = record.settings;
    return hash_text(fmt::format(
        "{} {} {} {} {} {} {} {} {} {} {} {} {} {}", TaskRecord::kSchema, record.model.content_hash,
        record.mix, record.questions_key, s.by_likelihood, s.answer_tokens, s.thinking,
        s.temperature, s.top_k, s.top_p, s.min_p, s.seed, record.build.llama, record.build.ggml));
}

// Of what was asked, examples too.
std::string questions_key(std::span<const Question> questions) {
    std::vector<std::string> keys;
    for (const Question& question : questions) {
        keys.push_back(question_key(question));
        for (const Question& example : question.examples) keys.push_back(question_key(example));
    }
    return combined_hash(keys);
}

uint32_t most_examples(std::span<const Question> questions) {
    size_t most = 0;
    for (const Question& question : questions) most = std::max(most, question.examples.size());
    return static_cast<uint32_t>(most);
}

}  // namespace

std::vector<Verdict> judge(std::span<const Question> questions, const std::vector<Answer>& answers,
                           const JudgeLimits& limits) {
    std::vector<Verdict> verdicts(questions.size());
    std::vector<size_t> written;
    std::vector<Question> asked;
    std::vector<std::string> texts;
    for (size_t i = 0; i < questions.size(); ++i) {
        if (was_weighed(answers[i])) {
            verdicts[i] = weighed_verdict(questions[i], answers[i]);
        } else {
            written.push_back(i);
            asked.push_back(questions[i]);
            texts.push_back(answers[i].text);
        }
    }
    std::vector<Verdict> judged = judge_answers(asked, texts, limits);
    for (size_t i = 0; i < written.size(); ++i) verdicts[written[i]] = std::move(judged[i]);
    return verdicts;
}

TaskIdentity task_identity(const std::string& mix, std::span<const Question> questions,
                           const AnswerSettings& s) {
    return {.mix = mix,
            .questions_key = questions_key(questions),
            .settings = {.by_likelihood = s.by_likelihood,
                         .answer_tokens = s.answer_tokens,
                         .thinking = s.thinking,
                         .temperature = s.sampling.temperature,
                         .top_k = s.sampling.top_k,
                         .top_p = s.sampling.top_p,
                         .min_p = s.sampling.min_p,
                         .seed = s.seed,
                         .shots = most_examples(questions)}};
}

TaskRecord make_task_record(const TaskIdentity& identity, std::span<const Question> questions,
                            const AnsweredSet& answered, std::span<const Verdict> verdicts,
                            const EngineOptions& engine) {
    TaskRecord record = {.created_utc = utc_now(),
                         .model = answered.model,
                         .mix = identity.mix,
                         .questions_key = identity.questions_key,
                         .settings = identity.settings,
                         .build = build_identity(engine),
                         .elapsed_s = answered.elapsed_s};
    Numbering sets;
    Numbering clusters;
    for (size_t i = 0; i < questions.size(); ++i) {
        record.answers.question.push_back(questions[i].id);
        record.answers.set.push_back(sets.of(questions[i].set));
        record.answers.cluster.push_back(clusters.of(cluster_name(questions[i])));
        record.answers.right.push_back(verdicts[i].correct ? 1 : 0);
        record.written_tokens += answered.answers[i].tokens;
        count_failure(answered.answers[i], verdicts[i], record.failures);
    }
    record.sets = sets.names();
    record.clusters = static_cast<uint32_t>(clusters.names().size());
    record.key = key_of(record);
    return record;
}

}  // namespace bitgauge
