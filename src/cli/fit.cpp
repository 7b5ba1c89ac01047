#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/units.h"
#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/fit_answer.h"
#include "cli/fit_machine.h"
#include "cli/fit_models.h"
#include "cli/fit_report.h"
#include "cli/hub_arguments.h"
#include "cli/memory_fit.h"
#include "cli/require.h"

namespace bitgauge {
namespace {

struct FitArguments {
    std::string name;
    std::string revision = "main";
    HubArguments hub;
    MachineArguments machine;
    std::string context;
    std::string kv = "f16";
    std::string values;
    uint32_t call_tokens = 512;
    std::filesystem::path store = "bitgauge.db";
    bool devices = false;
    bool json = false;
    bool markdown = false;
};

FitSource source_of(const FitArguments& a) {
    FitSource source{.typed = a.name, .revision = a.revision};
    source.hub = hub_options(a.hub);
    return source;
}

FitWish wish_of(const FitArguments& a) {
    return {.tokens = a.context.empty() ? 0 : parse_tokens(a.context),
            .key_type = a.kv,
            .value_type = a.values.empty() ? a.kv : a.values,
            .call_tokens = a.call_tokens,
            .store = a.store};
}

void warn_of_length(const FitAnswer& answer, Progress& progress) {
    const uint64_t trained = answer.trained_context(answer.rows.front());
    if (trained == 0 || answer.wish.tokens <= trained) return;
    progress.warn(fmt::format("{} tokens are more than the {} the model was trained for",
                              format_count(answer.wish.tokens), format_count(trained)));
}

void print_devices(Console& console) {
    for (const std::string& name : device_names()) console.print(name + "\n");
}

void print_answer(const FitArguments& a, const FitAnswer& answer, Console& console) {
    if (a.json) {
        // names of files may be no UTF-8
        console.print(fit_json(answer).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
        return;
    }
    console.print(fit_text(answer, a.markdown ? Page::Form::kMarkdown : Page::Form::kTerminal));
}

// What would fit in place of what was asked for.
std::string nearest_text(const FitAnswer& answer) {
    uint64_t tokens = 0, missing = UINT64_MAX;
    for (const FitRow& row : answer.rows) {
        tokens = std::max(tokens, row.largest_anywhere);
        missing = std::min(missing, row.placement.missing_bytes);
    }
    if (tokens > 0)
        return fmt::format("at most {} tokens fit: --ctx {}", format_count(tokens), tokens);
    return fmt::format("no context fits; about {} more memory would do", format_bytes(missing));
}

void run_fit(const FitArguments& a, Console& console) {
    if (a.devices) return print_devices(console);
    require(!a.name.empty(), "no model was given", "name a file, a folder or USER/NAME:TAG");
    const FitWish wish = wish_of(a);
    const Machine machine = machine_of(a.machine);
    const TemporaryFolder scratch;
    FitModels models = find_models(source_of(a), scratch.path(), console.progress());
    const FitAnswer answer =
        answer_fit(std::move(models), machine, wish, scratch.path(), console.progress());
    warn_of_length(answer, console.progress());
    print_answer(a, answer, console);
    if (answer.best) return;
    throw Error(ErrorKind::kGate, misfit_text(answer), nearest_text(answer));
}

void add_context_options(CLI::App& command, FitArguments& a) {
    const std::vector<std::string> types = kept_types();
    command
        .add_option("--ctx", a.context,
                    "Tokens of the context: 32k [8192, or fewer that it was trained for]")
        ->type_name("N")
        ->group("Context");
    command.add_option("--kv", a.kv, "Type of keys and values")
        ->type_name("TYPE")
        ->check(one_of(types))
        ->capture_default_str()
        ->group("Context");
    command.add_option("--kv-values", a.values, "Type of values, where it is another [--kv]")
        ->type_name("TYPE")
        ->check(one_of(types))
        ->group("Context");
    command.add_option("--ubatch", a.call_tokens, "Most tokens of one graph")
        ->type_name("TOKENS")
        ->check(CLI::Range(1U, 1U << 16U))
        ->capture_default_str()
        ->group("Context");
}

void add_source_options(CLI::App& command, FitArguments& a) {
    command.add_option("--revision", a.revision, "Of a repository: branch, tag or commit")
        ->type_name("NAME")
        ->capture_default_str()
        ->group("Repository");
    add_hub_options(command, a.hub, "Repository");
}

}  // namespace

void add_fit(CLI::App& app, Console& console) {
    auto a = std::make_shared<FitArguments>();
    CLI::App* command =
        add_command(app, console, "fit", "Which file fits a machine, and how it is started",
                    "  bitgauge fit unsloth/Qwen3-8B-GGUF --device rtx4090 --ctx 32k\n"
                    "  bitgauge fit model-Q4_K_M.gguf --vram 24GiB --ram 64GB --kv q8_0\n"
                    "  bitgauge fit models/ --device m4-max-64gb");
    command
        ->add_option("MODEL", a->name,
                     "A GGUF file (a header is enough), a folder of them, USER/NAME or "
                     "USER/NAME:TAG")
        ->type_name("");
    add_machine_options(*command, a->machine);
    add_context_options(*command, *a);
    add_source_options(*command, *a);
    command->add_option("--store", a->store, "Records of measured files, to choose by")
        ->type_name("FILE")
        ->capture_default_str();
    command->add_flag("--devices", a->devices, "Name the devices that --device knows")
        ->group("Machine");
    command->add_flag("--json", a->json, "Print one JSON record")->group("Output");
    command->add_flag("--markdown", a->markdown, "Print Markdown")->group("Output");
    command->callback([a, &console] { run_fit(*a, console); });
}

}  // namespace bitgauge
