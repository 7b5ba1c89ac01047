#include "bitgauge/sweep.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"

#include "cli/commands.h"
#include "cli/dynamic_report.h"
#include "cli/engine_options.h"
#include "cli/require.h"
#include "cli/sizes.h"
#include "cli/sweep_options.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct SweepArguments {
    fs::path original;
    fs::path store = "bitgauge.db";
    std::string share;
    std::vector<fs::path> merged;
    std::vector<std::string> sizes;
    SweepOptions options;
    bool json = false;
};

SweepShare parse_share(const std::string& text) {
    SweepShare share;
    int end = 0;
    if (std::sscanf(text.c_str(), "%u/%u%n", &share.index, &share.count, &end) == 2 &&
        static_cast<size_t>(end) == text.size() && share.index >= 1 && share.index <= share.count) {
        --share.index;
        return share;
    }
    throw Error(ErrorKind::kInput, fmt::format("'{}' is no share", text),
                "the first of four machines does 1/4, the last 4/4");
}

void run_sweep(SweepArguments& a, Console& console) {
    require_texts(a.options.texts);
    a.options.isolation = this_program();
    if (!a.share.empty()) a.options.share = parse_share(a.share);
    for (const std::string& size : a.sizes) a.options.sizes.push_back(parse_size(size));
    if (a.options.work.empty()) a.options.work = a.store.string() + ".sweep";
    Store store(a.store);
    for (const fs::path& other : a.merged) store.merge(other);
    const SweepOutcome outcome = sweep_model(a.original, a.options, store, console.progress());
    console.print(a.json ? sweep_json(outcome).dump(1) + "\n" : sweep_text(outcome));
}

}  // namespace

void add_sweep(CLI::App& app, Console& console) {
    auto a = std::make_shared<SweepArguments>();
    CLI::App* command = add_command(app, console, "sweep", "Which tensors deserve the bits",
                                    "  bitgauge sweep model-BF16.gguf -t text/ -i imatrix.gguf");
    command->add_option("ORIGINAL", a->original, "The unquantized model (first shard)")
        ->required()
        ->type_name("");
    command->add_option("-t,--text", a->options.texts, "Text, JSONL or a folder; may be repeated")
        ->type_name("PATH");
    command->add_option("-i,--imatrix", a->options.importance, "Importance, for the encoders")
        ->type_name("FILE");
    add_sweep_options(*command, a->options);
    command
        ->add_option("--size", a->sizes,
                     "Of files to be planned: a mix near each is measured, and promises are surer")
        ->delimiter(',')
        ->type_name("SIZE")
        ->group("Measurement");
    command->add_option("--share", a->share, "The part of this machine, 1/4 to 4/4; then merge")
        ->type_name("I/N")
        ->group("Measurement");
    command
        ->add_option("--merge", a->merged,
                     "Stores of other machines' shares; then the sweep goes on")
        ->type_name("FILE")
        ->group("Measurement");
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
