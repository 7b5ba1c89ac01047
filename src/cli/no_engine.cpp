// Chosen by CMake in place of baseline.cpp and measure.cpp when BITGAUGE_ENGINE is off.

#include "bitgauge/error.h"

#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/imatrix_measure.h"
#include "cli/last_words.h"
#include "cli/quantize_feedback.h"

namespace bitgauge {
namespace {

void add_absent(CLI::App& app, Console& console, const std::string& name) {
    CLI::App* command =
        add_command(app, console, name, "Not in this build: it has no engine", "  (none)");
    command->allow_extras();
    command->callback([name] {
        throw Error(ErrorKind::kEnvironment,
                    "'" + name + "' evaluates models, and this build has no engine",
                    "build with -DBITGAUGE_ENGINE=ON");
    });
}

}  // namespace

void add_baseline(CLI::App& app, Console& console) {
    add_absent(app, console, "baseline");
}
void add_bench(CLI::App& app, Console& console) {
    add_absent(app, console, "bench");
}
void add_fit(CLI::App& app, Console& console) {
    add_absent(app, console, "fit");
}
void add_measure(CLI::App& app, Console& console) {
    add_absent(app, console, "measure");
}
void add_drift(CLI::App& app, Console& console) {
    add_absent(app, console, "drift");
}
void add_dynamic(CLI::App& app, Console& console) {
    add_absent(app, console, "dynamic");
}
void add_run(CLI::App& app, Console& console) {
    add_absent(app, console, "run");
}
void add_sweep(CLI::App& app, Console& console) {
    add_absent(app, console, "sweep");
}
void add_tasks(CLI::App& app, Console& console) {
    add_absent(app, console, "tasks");
}
void add_measuring_options(CLI::App& command, MeasureImportance& a) {
    command.add_option("ORIGINAL", a.original, "Not in this build: it has no engine")
        ->type_name("");
}
void run_measuring(MeasureImportance&, Console&) {
    throw Error(ErrorKind::kEnvironment,
                "measuring importance evaluates a model, and this build has no engine",
                "build with -DBITGAUGE_ENGINE=ON");
}
void add_feedback_options(CLI::App& command, FeedbackArguments& a) {
    command.add_option("--rounding", a.rounding, "nearest alone: this build has no engine")
        ->type_name("HOW")
        ->check(one_of({"nearest"}))
        ->capture_default_str()
        ->group("Rounding");
}
FeedbackOutcome round_for(QuantizeJob&, FeedbackArguments&, Console&) {
    return {};
}
void remove_rounded(const QuantizeJob&) {}
std::string feedback_text(const FeedbackOutcome&) {
    return "";
}
Json feedback_json(const FeedbackOutcome&) {
    return {};
}
void add_worker(CLI::App&, Console&) {}
void install_last_words() {}

}  // namespace bitgauge
