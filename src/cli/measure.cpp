#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"
#include "bitgauge/report.h"
#include "bitgauge/store.h"

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct MeasureArguments {
    std::vector<fs::path> files;
    fs::path baseline;
    fs::path store = "bitgauge.db";
    bool until_decided = false;
    bool json = false;
    bool wide = false;
    std::optional<double> max_kld;
    SequentialPlan plan;
    MeasureOptions options;
};

std::string records_json(const std::vector<MeasureRecord>& records) {
    Json list = Json::array();
    for (const MeasureRecord& record : records) list.push_back(to_json(record));
    return list.dump(1) + "\n";
}

// How far an early stop went.
std::string decision_text(const MeasureOutcome& outcome) {
    return fmt::format("{} after {} looks at {:.1f} % of the scored positions\n",
                       outcome.settled ? "ranking settled" : "ranking not settled", outcome.looks,
                       100 * outcome.share_of_positions);
}

void print_results(const MeasureArguments& a, const MeasureOutcome& outcome, Console& console) {
    if (a.json) {
        console.print(records_json(outcome.records));
        return;
    }
    Report report;
    report.leaderboards = build_leaderboards(outcome.records);
    console.print(terminal_table(report, {a.wide}));
    if (a.until_decided) console.print(decision_text(outcome));
}

void refuse_not_finite(const MeasureOutcome& outcome) {
    for (const MeasureRecord& record : outcome.records) {
        if (record.nonfinite_positions == 0) continue;
        throw Error(ErrorKind::kNotFinite,
                    fmt::format("'{}' gave no finite figure at {} of {} positions",
                                record.model.file, format_count(record.nonfinite_positions),
                                format_count(record.nonfinite_positions + record.scored_positions)),
                    "its weights or the original's hold NaN or infinity, or overflow on this text");
    }
}

void apply_gate(const MeasureArguments& a, const MeasureOutcome& outcome) {
    if (!a.max_kld) return;
    for (const MeasureRecord& record : outcome.records) {
        if (record.kld_nats.mean.value <= *a.max_kld) continue;
        throw Error(ErrorKind::kGate,
                    fmt::format("mean KLD of '{}' is {:.6f} nats, above the gate of {}",
                                record.model.file, record.kld_nats.mean.value, *a.max_kld));
    }
}

void run_measure(MeasureArguments& a, Console& console) {
    Store store(a.store);
    a.options.isolation = this_program();
    if (a.until_decided) a.options.until_decided = a.plan;
    a.options.keep_record = [&store](const MeasureRecord& record) { store.put(record); };
    const auto find = [&store](const std::string& key) { return store.find(key); };
    const MeasureOutcome outcome =
        measure(a.files, a.baseline, a.options, find, console.progress());
    print_results(a, outcome, console);
    console.flush();
    refuse_not_finite(outcome);
    apply_gate(a, outcome);
}

void add_decision_options(CLI::App& command, MeasureArguments& a) {
    command
        .add_flag("--until-decided", a.until_decided,
                  "Stop as soon as the ranking is settled, at a chance of error of --alpha")
        ->group("Measurement");
    command.add_option("--looks", a.plan.looks, "Of --until-decided, at most")
        ->type_name("N")
        ->check(CLI::Range(1, 64))
        ->capture_default_str()
        ->group("Measurement");
    command.add_option("--alpha", a.plan.alpha, "Chance of any wrong order")
        ->type_name("P")
        ->check(CLI::Range(1e-6, 0.5))
        ->capture_default_str()
        ->group("Measurement");
    command.add_option("--tie-margin", a.plan.tie_margin, "Relative differences below are ties")
        ->type_name("SHARE")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str()
        ->group("Measurement");
    command.add_option("--seed", a.options.seed, "Order of looks")
        ->type_name("N")
        ->capture_default_str()
        ->group("Measurement");
    command.add_flag("--again", a.options.again, "Measure although the store has a record")
        ->group("Measurement");
    command.add_option("--max-kld", a.max_kld, "Exit 1 if a mean KLD is above")
        ->type_name("NATS")
        ->group("Gate");
}

}  // namespace

void add_measure(CLI::App& app, Console& console) {
    auto a = std::make_shared<MeasureArguments>();
    CLI::App* command =
        add_command(app, console, "measure", "How far quantized models are from their original",
                    "  bitgauge measure model-Q4_K_M.gguf model-IQ4_XS.gguf -b wiki.base\n"
                    "  bitgauge measure quants/*.gguf -b wiki.base --until-decided\n"
                    "  bitgauge measure model-Q4_K_M.gguf -b wiki.base --max-kld 0.02 --json");
    command->add_option("FILE", a->files, "Quantized models; of a split one, the first shard")
        ->required()
        ->type_name("");
    command->add_option("-b,--baseline", a->baseline, "Made by 'bitgauge baseline'")
        ->type_name("DIR")
        ->required();
    add_decision_options(*command, *a);
    add_engine_options(*command, a->options.engine);
    command->add_option("--work", a->options.work, "For states of files [inside the baseline]")
        ->type_name("DIR")
        ->group("Evaluation");
    command->add_option("--store", a->store, "Records are kept here")
        ->type_name("FILE")
        ->capture_default_str()
        ->group("Output");
    command->add_flag("--json", a->json, "Records instead of a table")->group("Output");
    command->add_flag("--wide", a->wide, "A table of all columns")->group("Output");
    command->callback([a, &console] { run_measure(*a, console); });
}

}  // namespace bitgauge
