#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/sweep.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct SweepArguments {
    fs::path original;
    fs::path store = "bitgauge.db";
    SweepOptions options;
    bool json = false;
};

void run_sweep(SweepArguments& a, Console& console) {
    a.options.isolation = this_program();
    if (a.options.work.empty()) a.options.work = a.store.string() + ".sweep";
    Store store(a.store);
    const SweepOutcome outcome = sweep_model(a.original, a.options, store, console.progress());
    Json json = to_json(outcome.table);
    for (const TensorCost& tensor : outcome.table.tensors) json["tensors"].push_back(to_json(tensor));
    console.print(json.dump(1) + "\n");
}

}  // namespace

void add_sweep(CLI::App& app, Console& console) {
    auto a = std::make_shared<SweepArguments>();
    CLI::App* command = add_command(app, console, "sweep", "Which tensors deserve the bits",
                                    "  bitgauge sweep model-BF16.gguf -t text/ -i imatrix.gguf");
    command->add_option("ORIGINAL", a->original, "The unquantized model (first shard)")
        ->required()
        ->type_name("");
    command->add_option("-t,--text", a->options.texts, "Text files, JSONL or folders")
        ->required()
        ->type_name("PATH");
    command->add_option("-i,--imatrix", a->options.importance, "Importance, for the encoders")
        ->type_name("FILE");
    command->add_option("--tokens", a->options.tokens, "Scored tokens per tensor")
        ->type_name("N")
        ->capture_default_str();
    command->add_flag("--full", a->options.full, "Every tensor");
    command->add_option("--every", a->options.every, "Layers between measured ones")
        ->type_name("N")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str();
    command->add_option("--work", a->options.work, "For work in progress [STORE.sweep]")
        ->type_name("DIR");
    add_engine_options(*command, a->options.engine);
    command->add_option("--store", a->store, "Records are kept here")
        ->type_name("FILE")
        ->capture_default_str();
    command->add_flag("--json", a->json, "The table as JSON");
    command->callback([a, &console] { run_sweep(*a, console); });
}

}  // namespace bitgauge
