#include "cli/quantize_feedback.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/qtype.h"

#include "base/units.h"
#include "cli/choice.h"
#include "cli/engine_options.h"
#include "cli/report_parts.h"
#include "cli/require.h"
#include "report/grid.h"

#include "sweep/planned_rounding.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

std::map<std::string, std::string> types_of(const QuantizeJob& job) {
    const GgufFile original = GgufFile::open(job.original);
    std::map<std::string, std::string> types;
    for (const TensorChoice& choice : job.choices.tensors) {
        const TensorInfo* tensor = original.find_tensor(choice.name);
        if (tensor == nullptr || tensor->type_id == choice.type_id) continue;
        types[choice.name] = type_by_id(choice.type_id)->name;
    }
    return types;
}

// All tensors of one role.
struct RoleRounding {
    std::map<std::string, uint64_t> types;
    uint64_t matrices = 0, with_feedback = 0, tensors = 0;
    double expected = 0, gain = 0;
};

std::map<std::string, RoleRounding> by_role(const FeedbackOutcome& outcome) {
    std::map<std::string, RoleRounding> roles;
    for (const RoundedTensor& tensor : outcome.tensors) {
        RoleRounding& role = roles[tensor_role(tensor.name)];
        ++role.tensors;
        ++role.types[tensor.type];
        role.matrices += tensor.matrices;
        role.with_feedback += tensor.with_feedback;
        role.expected += tensor.predicted_gain;
        role.gain += tensor.nearest_error > 0 ? tensor.feedback_error / tensor.nearest_error : 1;
    }
    return roles;
}

}  // namespace

void add_feedback_options(CLI::App& command, FeedbackArguments& a) {
    command
        .add_option("--rounding", a.rounding,
                    "nearest: llama-quantize's bytes; feedback: integers chosen against what the "
                    "model reads of -t, in the same formats and sizes")
        ->type_name("HOW")
        ->check(one_of({"nearest", "feedback"}))
        ->capture_default_str()
        ->group("Rounding");
    command.add_option("-t,--text", a.options.texts, "Text, JSONL or a folder to round over")
        ->type_name("PATH")
        ->group("Rounding");
    command.add_option("--tokens", a.options.protocol.max_scored, "So many of it, about (0: all)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Rounding");
    command.add_option("--window", a.options.protocol.window_tokens, "Longest window")
        ->type_name("TOKENS")
        ->check(CLI::Range(32U, 1U << 20U))
        ->capture_default_str()
        ->group("Rounding");
}

FeedbackOutcome round_for(QuantizeJob& job, FeedbackArguments& a, Console& console) {
    require_texts(a.options.texts);
    a.options.types = types_of(job);
    if (job.importance) a.options.importance = *job.importance;
    a.options.engine.threads = job.threads;
    a.options.isolation = this_program();
    job.rounded = fs::path(job.out).concat(".rounding");
    FeedbackOutcome outcome =
        round_with_feedback(job.original, job.rounded, a.options, console.progress());
    note_rounding(job, outcome, a.options.texts);
    return outcome;
}

void remove_rounded(const QuantizeJob& job) {
    std::error_code ignored;
    if (!job.rounded.empty()) fs::remove_all(job.rounded, ignored);
}

std::string feedback_text(const FeedbackOutcome& outcome) {
    Grid grid{{{"role", "", true, ""},
               {"types", "", true, ""},
               {"matrices", "", false, ""},
               {"with feedback", "", false, ""},
               {"expected", "of nearest", false, ""},
               {"error", "of nearest", false, ""}},
              {}};
    for (const auto& [name, role] : by_role(outcome)) {
        const auto tensors = static_cast<double>(role.tensors);
        grid.rows.push_back({name, types_text(role.types), format_count(role.matrices),
                             format_count(role.with_feedback),
                             fmt::format("{:.3f}", role.expected / tensors),
                             fmt::format("{:.3f}", role.gain / tensors)});
    }
    return fmt::format("rounded over {} in {}; errors of outputs on a fifth of the documents\n{}",
                       counted(outcome.tokens, "token"), counted(outcome.windows, "window"),
                       text_of(grid));
}

Json feedback_json(const FeedbackOutcome& outcome) {
    Json tensors = Json::array();
    for (const RoundedTensor& tensor : outcome.tensors) {
        tensors.push_back({{"tensor", tensor.name},
                           {"type", tensor.type},
                           {"matrices", tensor.matrices},
                           {"matrices_with_feedback", tensor.with_feedback},
                           {"fewest_tokens", tensor.fewest_tokens},
                           {"predicted_gain", tensor.predicted_gain},
                           {"nearest_error", tensor.nearest_error},
                           {"feedback_error", tensor.feedback_error},
                           {"damping", tensor.damping},
                           {"correction", tensor.correction}});
    }
    return {{"identity", outcome.identity},
            {"tokens", outcome.tokens},
            {"windows", outcome.windows},
            {"evaluation", outcome.evaluation},
            {"tensors", tensors}};
}

}  // namespace bitgauge
