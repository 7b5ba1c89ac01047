#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "bitgauge/error.h"
#include "bitgauge/speed.h"

#include "cli/bench_report.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/require.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kLongestRun = 1U << 24U;
constexpr uint32_t kMostSequences = 64;

struct BenchArguments {
    std::vector<fs::path> files;
    SpeedOptions options;
    bool of_types = false;
    std::vector<std::string> only;
    bool json = false;
    bool markdown = false;
};

template <class Report>
void print_report(const BenchArguments& a, const Report& report, Console& console) {
    if (a.json) {
        // names in a path may be no UTF-8
        console.print(bench_json(report).dump(2, ' ', false, Json::error_handler_t::replace) +
                      "\n");
        return;
    }
    console.print(bench_text(report, a.markdown ? Page::Form::kMarkdown : Page::Form::kTerminal));
}

void run_bench(BenchArguments& a, Console& console) {
    if (a.of_types) {
        require(a.files.empty(), "--types times no file", "leave the files or --types out");
        const TypeSpeedReport report = measure_type_speed({.types = a.only,
                                                           .repetitions = a.options.repetitions,
                                                           .threads = a.options.engine.threads},
                                                          console.progress());
        return print_report(a, report, console);
    }
    a.options.isolation = this_program();
    print_report(a, measure_speed(a.files, a.options, console.progress()), console);
}

void add_run_options(CLI::App& command, SpeedOptions& options) {
    command.add_option("--prompt", options.prompt, "Tokens of a prompt (0: time none)")
        ->type_name("TOKENS")
        ->check(CLI::Range(0U, kLongestRun))
        ->capture_default_str()
        ->group("Runs");
    command.add_option("--generate", options.generate, "Tokens generated (0: none)")
        ->type_name("TOKENS")
        ->check(CLI::Range(0U, kLongestRun))
        ->capture_default_str()
        ->group("Runs");
    command.add_option("--depth", options.depths, "Tokens that stand before, each in turn [0]")
        ->type_name("TOKENS,...")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Range(0U, kLongestRun))
        ->group("Runs");
    command.add_option("--sequences", options.sequences, "Sequences at once, each in turn [1]")
        ->type_name("N,...")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Range(1U, kMostSequences))
        ->group("Runs");
    command.add_option("--repetitions", options.repetitions, "Of each run, beside one to warm up")
        ->type_name("N")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str()
        ->group("Runs");
}

void add_call_options(CLI::App& command, SpeedOptions& options) {
    command.add_option("--batch", options.batch_tokens, "Most tokens of one call")
        ->type_name("TOKENS")
        ->check(CLI::Range(64U, 1U << 20U))
        ->capture_default_str()
        ->group("Evaluation");
    command.add_option("--ubatch", options.ubatch_tokens, "Most tokens of one graph")
        ->type_name("TOKENS")
        ->check(CLI::Range(1U, 1U << 20U))
        ->capture_default_str()
        ->group("Evaluation");
    add_device_options(command, options.engine);
}

}  // namespace

void add_bench(CLI::App& app, Console& console) {
    auto a = std::make_shared<BenchArguments>();
    CLI::App* command =
        add_command(app, console, "bench", "How fast models read prompts and generate text",
                    "  bitgauge bench model-Q4_K_M.gguf model-IQ4_XS.gguf\n"
                    "  bitgauge bench model-Q4_K_M.gguf --depth 0,4096 --sequences 1,4\n"
                    "  bitgauge bench --types --json > types.json");
    command->add_option("FILE", a->files, "Models, timed in turns; of a split one, the first shard")
        ->type_name("");
    add_run_options(*command, a->options);
    add_call_options(*command, a->options);
    auto* types = command
                      ->add_flag("--types", a->of_types,
                                 "Time the product with weights of every type, not files")
                      ->group("Types");
    command->add_option("--only", a->only, "Of --types: these")
        ->type_name("TYPE,...")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->needs(types)
        ->group("Types");
    command->add_flag("--json", a->json, "Print one JSON record")->group("Output");
    command->add_flag("--markdown", a->markdown, "Print Markdown")->group("Output");
    command->callback([a, &console] { run_bench(*a, console); });
}

}  // namespace bitgauge
