#include "bitgauge/dynamic.h"

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/prior.h"
#include "bitgauge/recipe.h"

#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/dynamic_report.h"
#include "cli/engine_options.h"
#include "cli/mix_options.h"
#include "cli/plan_basis.h"
#include "cli/require.h"
#include "cli/sizes.h"
#include "cli/sweep_options.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct DynamicArguments {
    fs::path original;
    fs::path store;
    std::vector<std::string> sizes;
    MixArguments mix;
    bool no_sweep = false;
    std::string prior;
    fs::path priors = own_priors_folder();
    DynamicOptions options;
    std::string rounding = "feedback";
    bool json = false;
};

void require_kept(const DynamicOutcome& outcome) {
    for (const DynamicFile& file : outcome.files) {
        if (file.kept_promise) continue;
        throw Error(ErrorKind::kGate,
                    fmt::format("'{}' was promised {:.5f} nats and has {:.5f}",
                                file.path.filename().string(), file.promised.value,
                                file.record.kld_nats.mean.value),
                    "sweep over more text (--tokens), nearer to what the model will read");
    }
}

PlanGuess guess(const DynamicArguments& a, const fs::path& importance, Progress& progress) {
    const GgufFile file = GgufFile::open(a.original);
    PlanBasis basis = guessed_basis(file, model_header(file),
                                    {.priors = a.priors,
                                     .prior = a.prior,
                                     .importance = importance,
                                     .types = quantized_types(),
                                     .threads = a.options.engine.threads},
                                    progress);
    return {.table = std::move(basis.table),
            .sensitivities = std::move(basis.sensitivities),
            .calibration = basis.calibration,
            .prior = basis.prior,
            .about = std::move(basis.guess)};
}

void set_guess(DynamicArguments& a, Progress& progress) {
    if (!a.no_sweep) {
        require(a.prior.empty(), "--prior is for plans without a sweep", "add --no-sweep");
        return;
    }
    require(a.mix.weights.empty() && !a.mix.worst,
            "strata can be weighed only where the model was swept",
            "leave out --weight and --worst-stratum, or sweep");
    a.options.guess = [&](const fs::path& importance) { return guess(a, importance, progress); };
}

void run_dynamic(DynamicArguments& a, Console& console) {
    require(!a.sizes.empty(), "no size was given", "add --size 20GiB");
    require_texts(a.options.texts);
    a.options.isolation = this_program();
    a.options.mix = mix_options(a.mix);
    a.options.feedback = a.rounding == "feedback";
    set_guess(a, console.progress());
    for (const std::string& size : a.sizes) a.options.sizes.push_back(parse_size(size));
    if (a.store.empty()) a.store = a.options.out / "bitgauge.db";
    fs::create_directories(a.options.out);
    Store store(a.store);
    const DynamicOutcome outcome = make_dynamic(a.original, a.options, store, console.progress());
    console.print(a.json ? dynamic_json(outcome).dump(1) + "\n" : dynamic_text(outcome));
    console.flush();
    require_kept(outcome);
}

}  // namespace

void add_dynamic(CLI::App& app, Console& console) {
    auto a = std::make_shared<DynamicArguments>();
    CLI::App* command = add_command(
        app, console, "dynamic", "The best file for a size, from an original",
        "  bitgauge dynamic model-BF16.gguf --size 20GiB -t texts/ -o quants/\n"
        "  bitgauge dynamic model-BF16.gguf --size 12GiB,16GiB,20GiB -t texts/ -o quants/");
    command->add_option("ORIGINAL", a->original, "The unquantized model (first shard)")
        ->required()
        ->type_name("");
    command->add_option("--size", a->sizes, "Of the file, or of several: 12GiB,16GiB")
        ->delimiter(',')
        ->type_name("SIZE");
    command
        ->add_option("-t,--text", a->options.texts,
                     "Text, JSONL or a folder; shared out to the steps")
        ->type_name("PATH");
    command->add_option("--held-out", a->options.held_out, "For the check [a share of -t]")
        ->type_name("PATH");
    command->add_option("-o,--out", a->options.out, "Folder of the files")
        ->required()
        ->type_name("DIR");
    command->add_option("-i,--imatrix", a->options.importance, "Importance [a share of -t]")
        ->type_name("FILE");
    command->add_option("--verify-tokens", a->options.verify_tokens, "Scored, of the check")
        ->type_name("N")
        ->capture_default_str()
        ->group("Measurement");
    command
        ->add_option("--rounding", a->rounding,
                     "feedback: integers chosen against what the model reads; nearest: "
                     "llama-quantize's bytes")
        ->type_name("HOW")
        ->check(one_of({"nearest", "feedback"}))
        ->capture_default_str()
        ->group("Plan");
    command->add_flag("--no-sweep", a->no_sweep, "Plan from another model's sensitivities: a guess")
        ->group("Measurement");
    command->add_option("--prior", a->prior, "The other model [the nearest]")
        ->type_name("NAME")
        ->group("Measurement");
    command->add_option("--priors", a->priors, "Your own [~/.local/share/bitgauge/priors]")
        ->type_name("DIR")
        ->group("Measurement");
    add_sweep_options(*command, a->options.sweep);
    add_mix_options(*command, a->mix);
    add_engine_options(*command, a->options.engine);
    command->add_option("--store", a->store, "Records are kept here [DIR/bitgauge.db]")
        ->type_name("FILE")
        ->group("Output");
    command->add_flag("--json", a->json, "The outcome as JSON")->group("Output");
    command->callback([a, &console] { run_dynamic(*a, console); });
}

}  // namespace bitgauge
