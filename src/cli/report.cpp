#include "bitgauge/report.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/store.h"

#include "base/files.h"
#include "cli/choice.h"
#include "cli/commands.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultStore = "bitgauge.db";

struct ReportOptions {
    std::optional<fs::path> store;
    std::string baseline;
    std::string sweep;
    std::string format = "table";
    fs::path output;
    std::vector<std::string> published;
    bool wide = false;
};

fs::path store_path(const ReportOptions& options) {
    return options.store.value_or(kDefaultStore);
}

// Published tables alone need no store; a store that was named must be there and hold records.
bool must_have_records(const ReportOptions& options) {
    return options.published.empty() || options.store || !options.baseline.empty();
}
bool wants_records(const ReportOptions& options) {
    return must_have_records(options) || fs::exists(store_path(options));
}

// A key may be given by its beginning, as tables print it.
std::vector<MeasureRecord> of_baseline(std::vector<MeasureRecord> records,
                                       const std::string& beginning) {
    std::erase_if(records, [&](const MeasureRecord& record) {
        return !record.baseline.key.starts_with(beginning);
    });
    return records;
}

[[noreturn]] void fail_no_records(const ReportOptions& options, bool store_is_empty,
                                  bool has_sweeps) {
    const std::string store = store_path(options).string();
    if (store_is_empty && has_sweeps) {
        throw Error(ErrorKind::kInput, fmt::format("the store {} holds a sweep, no records", store),
                    "show the sweep: bitgauge report --sweep NAME");
    }
    if (store_is_empty) {
        throw Error(ErrorKind::kInput, fmt::format("the store {} holds no records", store),
                    "measure something first: bitgauge measure FILE... -b BASELINE");
    }
    throw Error(ErrorKind::kInput,
                fmt::format("the store {} has no records of baseline {}", store, options.baseline),
                "leave --baseline away to see all of them");
}

// What the store holds, and of it what was asked for.
struct Records {
    std::vector<MeasureRecord> measured;
    std::vector<TaskRecord> answered;
    std::vector<DriftRecord> drifted;
};

// Answers of the files that were measured, and of their originals.
std::vector<TaskRecord> of_files(std::vector<TaskRecord> answered,
                                 const std::vector<MeasureRecord>& measured) {
    std::set<std::string> hashes;
    for (const MeasureRecord& record : measured) {
        hashes.insert(record.model.content_hash);
        hashes.insert(record.baseline.original.content_hash);
    }
    std::erase_if(answered, [&](const TaskRecord& record) {
        return !hashes.contains(record.model.content_hash);
    });
    return answered;
}

Records read_records(const ReportOptions& options) {
    if (!wants_records(options)) return {};
    const Store store(store_path(options), Store::Access::kReadOnly);
    std::vector<MeasureRecord> all = store.all();
    const bool empty = all.empty();
    Records records{of_baseline(std::move(all), options.baseline), store.all_tasks(),
                    store.all_drifts()};
    if (!options.baseline.empty()) {
        records.answered = of_files(std::move(records.answered), records.measured);
    }
    const bool found = !records.measured.empty() || !records.answered.empty();
    if (!found && must_have_records(options)) {
        fail_no_records(options, empty, !store.all_sweeps().empty());
    }
    return records;
}

// --- sweeps --------------------------------------------------------------------------------------

[[noreturn]] void fail_no_sweep(const ReportOptions& options,
                                const std::vector<SweepTable>& sweeps) {
    std::vector<std::string> names;
    names.reserve(sweeps.size());
    for (const SweepTable& sweep : sweeps) {
        names.push_back(fmt::format("{} of '{}'", sweep.key.substr(0, 12), sweep.original.file));
    }
    throw Error(
        ErrorKind::kInput,
        fmt::format("the store {} has no sweep '{}'", store_path(options).string(), options.sweep),
        names.empty() ? "make one: bitgauge sweep ORIGINAL -t TEXT"
                      : fmt::format("it has {}", fmt::join(names, ", ")));
}

// By its key, the beginning of it, or its original's file; the newest of several.
SweepTable read_sweep(const ReportOptions& options) {
    std::vector<SweepTable> sweeps =
        Store(store_path(options), Store::Access::kReadOnly).all_sweeps();
    const std::string file = fs::path(options.sweep).filename().string();
    for (auto sweep = sweeps.rbegin(); sweep != sweeps.rend(); ++sweep) {
        const bool is_it = sweep->key.starts_with(options.sweep) || sweep->original.file == file;
        if (is_it) return std::move(*sweep);
    }
    fail_no_sweep(options, sweeps);
}

// --- records -------------------------------------------------------------------------------------

std::vector<std::string> originals_of(const std::vector<Leaderboard>& boards) {
    std::vector<std::string> hashes;
    hashes.reserve(boards.size());
    for (const Leaderboard& board : boards) {
        hashes.push_back(board.rows.front().record.baseline.original.content_hash);
    }
    return hashes;
}

Report read_report(const ReportOptions& options) {
    Report report;
    for (const std::string& name : options.published) {
        for (PublishedTable& table : published_tables(name)) {
            report.published.push_back(std::move(table));
        }
    }
    const Records records = read_records(options);
    report.leaderboards = build_leaderboards(records.measured);
    report.tasks = build_task_reports(records.answered, originals_of(report.leaderboards));
    add_answers(report.leaderboards, report.tasks);
    add_drifts(report.leaderboards, records.drifted);
    return report;
}

// A table of answers has a row per file and a column per set: it is no part of one CSV.
void require_some_csv(const Report& report) {
    const bool has_rows = !report.leaderboards.empty() || !report.published.empty();
    if (has_rows || report.tasks.empty()) return;
    throw Error(ErrorKind::kInput,
                "the store holds answers to questions alone, and they have no CSV",
                "use --format json, or table, markdown or html");
}

template <class Shown>
std::string rendered(const Shown& report, const ReportOptions& options) {
    if (options.format == "markdown") return markdown_table(report, {options.wide});
    if (options.format == "csv") return csv(report);
    if (options.format == "json") return json(report);
    if (options.format == "html") return html_page(report);
    return terminal_table(report, {options.wide});
}

bool wants_list(const ReportOptions& options) {
    return options.published == std::vector<std::string>{"list"};
}

std::string list_of_published() {
    return fmt::format("{}\n", fmt::join(published_names(), "\n"));
}

std::string text_of(const ReportOptions& options) {
    if (wants_list(options)) return list_of_published();
    if (!options.sweep.empty()) return rendered(build_sweep_report(read_sweep(options)), options);
    const Report report = read_report(options);
    if (options.format == "csv") require_some_csv(report);
    return rendered(report, options);
}

void run_report(const ReportOptions& options, Console& console) {
    const std::string text = text_of(options);
    if (options.output.empty())
        console.print(text);
    else
        write_file_atomically(options.output, text);
}

}  // namespace

void add_report(CLI::App& app, Console& console) {
    auto options = std::make_shared<ReportOptions>();
    CLI::App* command =
        add_command(app, console, "report", "Tables and pages from records",
                    "  bitgauge report\n"
                    "  bitgauge report --format html -o page.html\n"
                    "  bitgauge report --sweep model-BF16.gguf --format html -o sweep.html\n"
                    "  bitgauge report --published qwen3.5-35b-a3b");
    command
        ->add_option("--store", options->store,
                     fmt::format("Where the records are [{}]", kDefaultStore))
        ->type_name("FILE");
    CLI::Option* baseline =
        command
            ->add_option("--baseline", options->baseline,
                         "Only records of this baseline; its key or the beginning of it")
            ->type_name("KEY");
    CLI::Option* sweep =
        command
            ->add_option("--sweep", options->sweep,
                         "A sweep instead of records: its original's file or its key")
            ->type_name("NAME")
            ->excludes(baseline);
    command
        ->add_option("--format", options->format,
                     "Form of the result (no tables of answers in csv)")
        ->type_name("FORM")
        ->check(one_of({"table", "markdown", "csv", "json", "html"}))
        ->capture_default_str();
    command->add_option("-o,--output", options->output, "Write to this file instead of stdout")
        ->type_name("FILE");
    command
        ->add_option("--published", options->published,
                     "Show what others have printed about a model; 'list' names the models")
        ->type_name("NAME")
        ->excludes(sweep);
    command->add_flag("--wide", options->wide, "All columns, however many");
    command->callback([options, &console] { run_report(*options, console); });
}

}  // namespace bitgauge
