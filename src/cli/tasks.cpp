#include "bitgauge/tasks.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/store.h"
#include "bitgauge/task_report.h"

#include "base/files.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/drawn_questions.h"
#include "cli/engine_options.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct TasksArguments {
    std::vector<fs::path> files;
    fs::path original;
    fs::path store = "bitgauge.db";
    DrawArguments draw;
    AskOptions options;
    std::string choices = "likelihood";
    double alpha = 0.05;
    bool wide = false;
    bool markdown = false;
    bool json = false;
};

// Found out before a model has worked for hours.
void require_sandbox(const std::vector<Question>& questions) {
    const auto is_code = [](const Question& q) { return q.kind == AnswerKind::kCode; };
    if (std::none_of(questions.begin(), questions.end(), is_code)) return;
    const SandboxState state = sandbox_available();
    if (state.available) return;
    throw Error(
        ErrorKind::kEnvironment,
        fmt::format(
            "{} of the questions are answered by programs, which are only run in "
            "bubblewrap: {}",
            counted(static_cast<size_t>(std::count_if(questions.begin(), questions.end(), is_code)),
                    "question"),
            state.reason),
        "install bubblewrap (bwrap), or name sets without code with --questions");
}

// The original first; no file twice.
std::vector<fs::path> all_files(const TasksArguments& a) {
    std::vector<fs::path> files;
    if (!a.original.empty()) files.push_back(a.original);
    for (const fs::path& file : a.files) {
        const auto is_same = [&](const fs::path& other) {
            std::error_code unknown;
            return file == other || fs::equivalent(file, other, unknown);
        };
        if (std::none_of(files.begin(), files.end(), is_same)) files.push_back(file);
    }
    return files;
}

TaskRecord ask(const fs::path& file, const DrawnQuestions& drawn, const TaskIdentity& identity,
               const TasksArguments& a, Console& console) {
    const AnsweredSet answered =
        answer_questions(file, drawn.questions, a.options, console.progress());
    if (answered.kept > 0) {
        console.progress().detail(fmt::format("{}: {} of {} answers were there already",
                                              file.filename().string(), answered.kept,
                                              drawn.questions.size()));
    }
    const auto verdicts = judge(drawn.questions, answered.answers);
    return make_task_record(identity, drawn.questions, answered, verdicts, a.options.engine);
}

std::string rendered(const TaskReport& report, const TasksArguments& a) {
    if (a.json) return json(report);
    return a.markdown ? markdown_table(report, {a.wide}) : terminal_table(report, {a.wide});
}

void refuse_not_finite(const std::vector<TaskRecord>& records) {
    for (const TaskRecord& record : records) {
        if (record.failures.not_finite == 0) continue;
        throw Error(
            ErrorKind::kNotFinite,
            fmt::format("'{}' gave no finite number for {} of {} questions", record.model.file,
                        record.failures.not_finite, record.answers.right.size()),
            "its weights hold NaN or infinity, or overflow on these questions");
    }
}

void run_tasks(TasksArguments& a, Console& console) {
    a.options.isolation = this_program();
    a.options.settings.by_likelihood = a.choices == "likelihood";
    if (a.options.folder.empty()) a.options.folder = a.store.string() + ".answers";
    const DrawnQuestions drawn = draw(a.draw, console.progress());
    require_sandbox(drawn.questions);
    Store store(a.store);
    const TaskIdentity identity =
        task_identity(name_of(a.draw), drawn.questions, a.options.settings);
    std::vector<TaskRecord> records;
    for (const fs::path& file : all_files(a)) {
        records.push_back(ask(file, drawn, identity, a, console));
        store.put_tasks(records.back());
    }
    const std::string original = a.original.empty() ? "" : records.front().model.content_hash;
    console.print(rendered(build_task_report(records, original, a.alpha), a));
    console.flush();
    refuse_not_finite(records);
}

void add_answer_options(CLI::App& command, TasksArguments& a) {
    AnswerSettings& s = a.options.settings;
    const auto add = [&command](const char* name, auto& value, const char* type,
                                const std::string& help) {
        return command.add_option(name, value, help)
            ->type_name(type)
            ->capture_default_str()
            ->group("Answers");
    };
    add("--choices", a.choices, "HOW",
        "Questions with choices: by the likelihood of each choice, or written out and read")
        ->check(CLI::IsMember({"likelihood", "written"}));
    add("--answer-tokens", s.answer_tokens, "N", "Most tokens of a written answer, thinking too")
        ->check(CLI::Range(1, 1 << 20));
    command
        .add_flag("--thinking", s.thinking, "Let the model think first, where its template knows")
        ->group("Answers");
    add("--temperature", s.sampling.temperature, "T", "0: always the likeliest token")
        ->check(CLI::Range(0.0, 10.0));
    add("--top-k", s.sampling.top_k, "N", "Draw from the N likeliest (0: all)")
        ->check(CLI::NonNegativeNumber);
    add("--top-p", s.sampling.top_p, "P", "Draw from the likeliest that reach P together")
        ->check(CLI::Range(0.0, 1.0));
    add("--min-p", s.sampling.min_p, "P", "Draw from those with P of the likeliest's probability")
        ->check(CLI::Range(0.0, 1.0));
    add("--seed", s.seed, "N", "Of the draws; each question has its own");
    add("--parallel", s.parallel, "N", "Answers written at a time")->check(CLI::Range(1, 256));
}

void add_output_options(CLI::App& command, TasksArguments& a) {
    command
        .add_option("-o,--out", a.options.folder,
                    "Where answers are kept, so that none is asked twice [STORE.answers]")
        ->type_name("DIR");
    command.add_option("--store", a.store, "Where records are kept")
        ->type_name("FILE")
        ->capture_default_str();
    command.add_option("--alpha", a.alpha, "Chance of deciding a difference that is none")
        ->type_name("P")
        ->check(CLI::Range(1e-6, 0.5))
        ->capture_default_str();
    command.add_flag("--wide", a.wide, "All columns, and each set by itself");
    command.add_flag("--markdown", a.markdown, "Print the table as Markdown");
    command.add_flag("--json", a.json, "Print JSON: the table and its records");
}

}  // namespace

void add_tasks(CLI::App& app, Console& console) {
    auto a = std::make_shared<TasksArguments>();
    CLI::App* command = add_command(
        app, console, "tasks", "How often models answer right, beside the original",
        "  bitgauge tasks model-Q4_K_M.gguf model-IQ4_XS.gguf \\\n"
        "      --against model-BF16.gguf --mix published-750 --sets questions/\n"
        "  bitgauge tasks model-Q4_K_M.gguf --against model-BF16.gguf \\\n"
        "      --questions my.jsonl\n"
        "  bitgauge tasks quants/*.gguf --questions hellaswag_val_full.txt --count 400");
    command->add_option("FILE", a->files, "Models; of a split one, the first shard")
        ->required()
        ->type_name("");
    command->add_option("--against", a->original, "The original: asked as well, and compared with")
        ->type_name("ORIGINAL");
    add_draw_options(*command, a->draw);
    add_answer_options(*command, *a);
    add_output_options(*command, *a);
    add_engine_options(*command, a->options.engine);
    command->callback([a, &console] { run_tasks(*a, console); });
}

}  // namespace bitgauge
