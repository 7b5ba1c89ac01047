#include <cassert>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/verdict.h"

#include "base/interrupt.h"

#include "questions/answer_text.h"
#include "questions/judge_parts.h"

namespace bitgauge {
namespace {

// Judges what can be judged alone, and keeps what math-verify has to say something about.
class Judge {
  public:
    explicit Judge(const JudgeLimits& limits) : limits_(limits) {}

    void judge(const Question& question, const std::string& answer, Verdict& verdict) {
        const std::optional<std::string> text = without_reasoning(answer);
        if (!text) {
            verdict.note = "it was still thinking when its tokens ended";
            return;
        }
        switch (question.kind) {
            case AnswerKind::kLetter:
                verdict = judge_letter(question, *text);
                return;
            case AnswerKind::kValue:
                judge_value(question, *text, verdict);
                return;
            case AnswerKind::kCode:
                verdict = judge_code(question, *text, sandbox());
                return;
            case AnswerKind::kContinuation:
                break;
        }
        throw Error(
            ErrorKind::kInput,
            fmt::format("question '{}' of '{}' is answered by likelihood alone; no text can "
                        "be right",
                        question.id, question.set));
    }

    void finish() const { judge_open_values(open_, limits_); }

  private:
    void judge_value(const Question& question, const std::string& text, Verdict& verdict) {
        verdict = judge_value_text(question, text);
        if (!verdict.correct && verdict.note.empty()) open_.push_back({question.answer, &verdict});
    }

    // Made when the first program comes.
    const Sandbox& sandbox() {
        if (!sandbox_) sandbox_.emplace(limits_);
        return *sandbox_;
    }

    const JudgeLimits& limits_;
    std::optional<Sandbox> sandbox_;
    std::vector<OpenValue> open_;
};

}  // namespace

std::vector<Verdict> judge_answers(std::span<const Question> questions,
                                   std::span<const std::string> answers,
                                   const JudgeLimits& limits) {
    assert(questions.size() == answers.size());
    std::vector<Verdict> verdicts(questions.size());
    Judge judge(limits);
    for (size_t i = 0; i < questions.size(); ++i) {
        throw_if_interrupted();
        judge.judge(questions[i], answers[i], verdicts[i]);
    }
    judge.finish();
    return verdicts;
}

}  // namespace bitgauge
