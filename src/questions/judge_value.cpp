#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/json.h"
#include "base/limited_child.h"
#include "base/scripts.h"

#include "questions/answer_text.h"
#include "questions/judge_parts.h"
#include "questions/lines.h"
#include "questions/value_text.h"

namespace bitgauge {
namespace {

constexpr int kStatusNoPackage = 3;  // of the script
constexpr std::chrono::seconds kStart{120};
constexpr size_t kAnswerBytes = 1024;  // room for one line of the script
constexpr size_t kLongestValue = 4096;

std::string job_of(std::span<const OpenValue> values, const JudgeLimits& limits) {
    Json job = {{"seconds", static_cast<double>(limits.value_time.count()) / 1000.0}};
    job["pairs"] = Json::array();
    for (const OpenValue& value : values) {
        job["pairs"].push_back({{"right", value.right}, {"found", value.verdict->found}});
    }
    return job.dump(-1, ' ', false, Json::error_handler_t::replace);
}

[[noreturn]] void fail(const std::string& interpreter, const std::string& why) {
    throw Error(ErrorKind::kEnvironment,
                fmt::format("values cannot be compared: '{}' {}", interpreter, why),
                "run scripts/setup, or set BITGAUGE_PYTHON to a Python with math-verify");
}

void require_success(const LimitedOutcome& outcome, const std::string& interpreter) {
    if (outcome.signal == 0 && outcome.status == 0 && !outcome.timed_out) return;
    if (outcome.signal == 0 && outcome.status == kStatusNoPackage) {
        fail(interpreter, "has no math-verify");
    }
    fail(interpreter,
         fmt::format("ended with status {}, signal {}{}: {}", outcome.status, outcome.signal,
                     outcome.timed_out ? ", out of time" : "", trimmed(outcome.errors)));
}

std::vector<Json> run_script(const std::string& job, const ChildLimits& limits) {
    const std::string interpreter = script_python();
    const LimitedOutcome outcome =
        run_limited({interpreter, script_path("judge_values.py").string()}, "", job, limits);
    require_success(outcome, interpreter);
    std::vector<Json> answers;
    for_each_line(outcome.output,
                  [&](std::string_view line, size_t) { answers.push_back(Json::parse(line)); });
    return answers;
}

}  // namespace

Verdict judge_value_text(const Question& question, const std::string& text) {
    Verdict verdict;
    verdict.found = named_value(text);
    verdict.correct = equal_as_text(question.answer, verdict.found);
    if (verdict.found.empty()) verdict.note = "it names no value";
    if (verdict.found.size() > kLongestValue) {
        verdict.note = fmt::format("a value of {} bytes is none", verdict.found.size());
    }
    return verdict;
}

void judge_open_values(std::span<const OpenValue> values, const JudgeLimits& limits) {
    if (values.empty()) return;
    const auto count = static_cast<int64_t>(values.size());
    const std::vector<Json> answers = run_script(
        job_of(values, limits), {kStart + count * (limits.value_time + std::chrono::seconds(1)),
                                 values.size() * kAnswerBytes});
    if (answers.size() != values.size()) {
        fail(script_python(), fmt::format("gave {} verdicts on {} pairs", answers.size(), count));
    }
    for (size_t i = 0; i < values.size(); ++i) {
        Verdict& verdict = *values[i].verdict;
        verdict.correct = answers[i].at("equal");
        if (verdict.correct) continue;
        verdict.note = answers[i].at("note");
        if (verdict.note.empty()) verdict.note = fmt::format("{} is right", values[i].right);
    }
}

}  // namespace bitgauge
