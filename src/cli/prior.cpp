#include "bitgauge/prior.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/store.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/prior_report.h"
#include "cli/stored_sweep.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct PriorArguments {
    fs::path original;
    fs::path store = "bitgauge.db";
    fs::path folder = own_priors_folder();
    std::string name;
    bool json = false;
};

using Arguments = std::shared_ptr<PriorArguments>;

void run_add(const PriorArguments& a, Console& console) {
    const SweepTable sweep = a.original.empty() ? only_sweep(a.store)
                                                : newest_sweep(GgufFile::open(a.original), a.store);
    Prior prior = prior_of(sweep);
    if (!a.name.empty()) prior.name = a.name;
    parse_prior(prior_text(prior), prior.name);  // what cannot be read back is not written
    const KeptPrior kept = keep_prior(prior, a.folder);
    console.print(fmt::format("{} {}: {} roles of {}\n", kept.replaced ? "replaced" : "added",
                              kept.path.string(), prior.roles.size(), prior_title(prior)));
}

void run_list(const PriorArguments& a, Console& console) {
    const auto priors = all_priors(a.folder);
    if (!a.json) return console.print(priors_text(priors));
    Json list = Json::array();
    for (const Prior& prior : priors) {
        list.push_back({{"name", prior.name},
                        {"architecture", prior.architecture},
                        {"experts", prior.experts},
                        {"parameters", prior.parameters},
                        {"layers", prior.layers},
                        {"source", prior.source.kind},
                        {"credit", prior.source.credit},
                        {"origin", prior.origin}});
    }
    console.print(Json{{"schema", "bitgauge.priors/1"}, {"priors", list}}.dump(2) + "\n");
}

void run_show(const PriorArguments& a, Console& console) {
    const auto priors = all_priors(a.folder);
    const Prior& prior = prior_named(priors, a.name);
    console.print(a.json ? prior_text(prior) : prior_page(prior));
}

void add_folder(CLI::App* command, const Arguments& a) {
    command->add_option("--priors", a->folder, "Your own [~/.local/share/bitgauge/priors]")
        ->type_name("DIR");
}

void add_add(CLI::App& prior, Console& console) {
    const auto a = std::make_shared<PriorArguments>();
    CLI::App* command = add_command(prior, console, "add", "Keep a finished sweep as a prior",
                                    "  bitgauge prior add model-BF16.gguf --store bitgauge.db");
    command
        ->add_option("ORIGINAL", a->original,
                     "The model that was swept; not needed where the store has sweeps of one only")
        ->type_name("");
    command->add_option("--store", a->store, "Where the sweep is")
        ->type_name("FILE")
        ->capture_default_str();
    command->add_option("--name", a->name, "Of the model [its general.name]")->type_name("NAME");
    add_folder(command, a);
    command->callback([a, &console] { run_add(*a, console); });
}

void add_list(CLI::App& prior, Console& console) {
    const auto a = std::make_shared<PriorArguments>();
    CLI::App* command = add_command(prior, console, "list", "Your own priors and the shipped ones",
                                    "  bitgauge prior list");
    add_folder(command, a);
    command->add_flag("--json", a->json, "Print JSON");
    command->callback([a, &console] { run_list(*a, console); });
}

void add_show(CLI::App& prior, Console& console) {
    const auto a = std::make_shared<PriorArguments>();
    CLI::App* command = add_command(prior, console, "show", "What a prior knows",
                                    "  bitgauge prior show Qwen3.5-35B-A3B\n"
                                    "  bitgauge prior show TinyMoE --json > tinymoe.json");
    command->add_option("NAME", a->name, "A model's name")->required()->type_name("");
    add_folder(command, a);
    command->add_flag("--json", a->json, "The entry itself");
    command->callback([a, &console] { run_show(*a, console); });
}

}  // namespace

void add_prior(CLI::App& app, Console& console) {
    CLI::App* prior = add_command(app, console, "prior", "What other models' tensors cost",
                                  "  bitgauge prior list\n"
                                  "  bitgauge prior add model-BF16.gguf --store bitgauge.db\n"
                                  "  bitgauge plan other-BF16.gguf --no-sweep --size 20GiB\n"
                                  "'bitgauge prior COMMAND --help' tells the options of each.");
    prior->require_subcommand(1);
    add_list(*prior, console);
    add_show(*prior, console);
    add_add(*prior, console);
}

}  // namespace bitgauge
