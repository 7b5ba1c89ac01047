#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"
#include "bitgauge/hardware.h"
#include "bitgauge/prior.h"
#include "bitgauge/qtype.h"
#include "bitgauge/quantize.h"

#include "base/files.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/memory_fit.h"
#include "cli/mix_options.h"
#include "cli/plan_basis.h"
#include "cli/plan_report.h"
#include "cli/sizes.h"
#include "cli/type_speeds.h"

#include "quantize/types_job.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct PlanArguments {
    fs::path original;
    fs::path store = "bitgauge.db";
    fs::path importance;
    fs::path out;
    std::string size;
    std::string memory;
    std::string context = "8192";
    std::string kv = "f16";
    std::optional<double> bandwidth;  // GB/s
    fs::path speeds;
    std::optional<double> tokens_per_second;
    std::optional<double> slower_at_most;  // per cent
    std::optional<double> bits;
    std::optional<double> nats;
    MixArguments mix;
    std::string against;
    bool no_sweep = false;
    std::string prior;
    fs::path priors = own_priors_folder();
    bool as_if_importance = false;
    uint32_t threads = 0;
    bool curve = false;
    bool tensor_types = false;
    bool json = false;
};

constexpr size_t kCurvePoints = 40;
constexpr double kNoLimit = 1e30;  // seconds

void refuse(const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::kInput, what, hint);
}

// Options that mean nothing beside others.
void check(const PlanArguments& a) {
    if (!a.no_sweep && (!a.prior.empty() || a.as_if_importance)) {
        refuse(fmt::format("{} is for plans without a sweep",
                           a.prior.empty() ? "--with-importance" : "--prior"),
               "add --no-sweep");
    }
    if (a.nats && (a.tokens_per_second || a.slower_at_most)) {
        refuse("a time is asked for beside a size, not beside a divergence",
               "replace --kld with --size, --bpw or --fit");
    }
    if (a.no_sweep && (!a.mix.weights.empty() || a.mix.worst)) {
        refuse("strata can be weighed only where the model was swept",
               "leave out --weight and --worst-stratum, or sweep");
    }
}

GgufFile open_original(const PlanArguments& a) {
    return a.no_sweep ? GgufFile::open_header(a.original) : GgufFile::open(a.original);
}

// All that the mix may choose from, or is told to.
std::vector<std::string> meant_types(const MixOptions& mix) {
    std::vector<std::string> types = mix.types;
    for (const MixRule& pin : mix.pins) {
        const QType* type = find_type(pin.value);
        if (type != nullptr && type->quantized) types.push_back(type->name);
    }
    return types;
}

class Planning {
  public:
    Planning(const PlanArguments& a, Progress& progress)
        : a_(a),
          file_(open_original(a)),
          model_(model_header(file_)),
          speeds_(a.speeds.empty() ? std::nullopt : std::optional(read_type_speeds(a.speeds))),
          options_(timed(mix_options(a.mix))),
          basis_(a.no_sweep ? guess(progress) : swept_basis(file_, a.store)),
          mixer_(model_, basis_.table, basis_.sensitivities, options_, basis_.calibration) {
        if (!a.memory.empty()) fit_ = fit();
        if (is_timed() && !a.curve) limit_seconds();
    }

    void print(Console& console) const {
        if (a_.curve) {
            const auto curve = mixer_.curve(kCurvePoints);
            return console.print(a_.json ? curve_json(curve).dump(1) + "\n"
                                         : guess_text(basis_.guess) + curve_text(curve));
        }
        const std::optional<PlanRival> against = rival();
        const MixPlan plan = make(against);
        const Recipe recipe = recipe_of_types(model_, plan.mix, name());
        const Resolution resolution = resolve(model_, recipe, basis_.importance);
        if (!a_.out.empty()) write(recipe, resolution);
        const PlanReport report{.plan = plan,
                                .resolution = resolution,
                                .rival = against,
                                .guess = basis_.guess,
                                .prior = basis_.prior,
                                .fit = fit_,
                                .decode = decode_bytes(plan),
                                .speed = speed(plan)};
        console.print(a_.json ? plan_json(report).dump(1) + "\n" : plan_text(report));
    }

  private:
    PlanBasis guess(Progress& progress) const {
        return guessed_basis(file_, model_,
                             {.priors = a_.priors,
                              .prior = a_.prior,
                              .importance = a_.importance,
                              .as_if_importance = a_.as_if_importance,
                              .types = meant_types(options_),
                              .threads = a_.threads},
                             progress);
    }

    // Sizes to the byte need the original and what the file will be made with.
    Mixer::ExactSize exact_size() const {
        const bool assumed = a_.as_if_importance && a_.importance.empty();
        if (!file_.has_data() || assumed) return {};
        return [this](const Mix& mix) { return exact_bytes(mix); };
    }

    // What the recipe of --against makes of the tensors that a plan is about. Floats have no error
    // that would show beside those of quantized types.
    std::optional<PlanRival> rival() const {
        if (a_.against.empty()) return std::nullopt;
        const Resolution resolution = resolve(model_, load_recipe(a_.against), basis_.importance);
        PlanRival rival{.name = a_.against, .file_bytes = resolution.file_bytes};
        Mix judged;
        for (const TensorCost& tensor : basis_.table.tensors) {
            const ResolvedTensor& resolved = *resolution.find(tensor.tensor);
            const bool quantized = find_type(resolved.type)->quantized;
            rival.mix[tensor.tensor] = resolved.type;
            judged[tensor.tensor] = quantized ? resolved.type : resolved.original;
        }
        if (const auto exact = exact_size()) rival.file_bytes = exact(rival.mix);
        rival.predicted_nats = mixer_.predict(judged);
        return rival;
    }

    MixPlan make(const std::optional<PlanRival>& against) const {
        if (a_.nats) return mixer_.for_divergence(*a_.nats, exact_size());
        return mixer_.for_bytes(bytes_to_spend(against), exact_size());
    }

    uint64_t bytes_to_spend(const std::optional<PlanRival>& against) const {
        if (!a_.size.empty()) return parse_size(a_.size);
        if (fit_) return fit_->left();
        if (a_.bits) return bytes_of_bits(*a_.bits);
        if (against) return against->file_bytes;
        throw Error(ErrorKind::kInput, "no budget was given",
                    "add --size 20GiB, --bpw 4.5, --fit 24GB or --kld 0.01; --curve shows all");
    }

    // As load_recipe() will read it.
    std::string name() const { return a_.out.empty() ? "plan" : a_.out.stem().string(); }

    MemoryFit fit() const {
        return fit_memory(
            file_,
            {.memory = parse_size(a_.memory), .tokens = parse_tokens(a_.context), .type = a_.kv},
            mixer_.smallest_bytes());
    }

    // --- time -----------------------------------------------------------------------------------

    bool is_timed() const { return a_.tokens_per_second || a_.slower_at_most; }

    // With the time of every tensor; a limit on their sum makes types that were not timed unknown,
    // so one that nothing reaches stands until the real one is known.
    MixOptions timed(MixOptions options) const {
        if (speeds_) options.seconds = mix_seconds(file_, *speeds_);
        if (is_timed()) options.most_seconds = kNoLimit;
        return options;
    }

    // Of a file that is as large as was asked for, with what its maker writes about itself.
    double fewest_seconds() const {
        const uint64_t bytes = bytes_to_spend(rival());
        const MixPlan plan = mixer_.for_bytes(bytes);
        const auto exact = exact_size();
        const uint64_t whole = exact ? exact(plan.mix) : plan.file_bytes;
        const uint64_t keys = whole > plan.file_bytes ? whole - plan.file_bytes : 0;
        return mixer_.fewest_seconds(
            std::max(mixer_.smallest_bytes(), bytes - std::min(bytes, keys + keys / 4)));
    }

    void limit_seconds() {
        const double fewest = fewest_seconds();
        options_.most_seconds = a_.tokens_per_second ? 1 / *a_.tokens_per_second
                                                     : fewest * (1 + *a_.slower_at_most / 100);
        if (fewest > options_.most_seconds) {
            refuse(fmt::format("no file of this size comes to {}: the fastest to {}",
                               tokens_per_second_text(options_.most_seconds),
                               tokens_per_second_text(fewest)),
                   "ask for fewer tokens per second or a smaller file, or allow faster types");
        }
        mixer_ = Mixer(model_, basis_.table, basis_.sensitivities, options_, basis_.calibration);
    }

    std::optional<PlanSpeed> speed(const MixPlan& plan) const {
        if (!speeds_) return std::nullopt;
        PlanSpeed speed{.speeds = *speeds_, .seconds = mixer_.seconds(plan.mix)};
        if (is_timed()) speed.most_seconds = options_.most_seconds;
        return speed;
    }

    // --- size -----------------------------------------------------------------------------------

    DecodeBytes decode_bytes(const MixPlan& plan) const {
        DecodeBytes decode{.weights = decoded_weight_bytes(file_, plan.mix),
                           .keys_values = fit_ ? fit_->keys_values : 0};
        if (a_.bandwidth) decode.bandwidth = *a_.bandwidth * 1e9;
        return decode;
    }

    uint64_t bytes_of_bits(double bits) const {
        return static_cast<uint64_t>(bits / 8 * static_cast<double>(file_.parameters()));
    }

    // What `bitgauge quantize` writes for the mix' recipe, to the byte.
    uint64_t exact_bytes(const Mix& mix) const {
        return preview_quantization(types_job(a_.original, model_, mix, a_.importance, name()),
                                    silent_progress())
            .bytes;
    }

    void write(const Recipe& recipe, const Resolution& resolution) const {
        write_file_atomically(a_.out,
                              a_.tensor_types ? tensor_type_file(resolution) : recipe_text(recipe));
    }

    const PlanArguments& a_;
    GgufFile file_;
    ModelHeader model_;
    std::optional<TypeSpeeds> speeds_;
    MixOptions options_;
    PlanBasis basis_;
    Mixer mixer_;
    std::optional<MemoryFit> fit_;
};

void add_budgets(CLI::App& command, PlanArguments& a) {
    CLI::Option* size = command.add_option("--size", a.size, "Of the file: 20GiB, 24GB, 500MiB")
                            ->type_name("SIZE")
                            ->group("Budget");
    CLI::Option* bits = command.add_option("--bpw", a.bits, "Bits per weight of the file")
                            ->type_name("BITS")
                            ->check(CLI::PositiveNumber)
                            ->excludes(size)
                            ->group("Budget");
    CLI::Option* memory =
        command
            .add_option("--fit", a.memory, "Memory that weights, context and one call share: 24GB")
            ->type_name("SIZE")
            ->excludes(size)
            ->excludes(bits)
            ->group("Budget");
    command.add_option("--ctx", a.context, "Tokens of the context, of --fit: 32k")
        ->type_name("N")
        ->needs(memory)
        ->capture_default_str()
        ->group("Budget");
    command.add_option("--kv", a.kv, "Type of keys and values, of --fit")
        ->type_name("TYPE")
        ->needs(memory)
        ->check(one_of({"f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"}))
        ->capture_default_str()
        ->group("Budget");
    command.add_option("--kld", a.nats, "The smallest file of at most this divergence")
        ->type_name("NATS")
        ->check(CLI::PositiveNumber)
        ->excludes(size)
        ->excludes(bits)
        ->excludes(memory)
        ->group("Budget");
    command
        .add_option("--against", a.against, "A recipe to compare with; alone: as large as its file")
        ->type_name("RECIPE")
        ->group("Budget");
    command
        .add_option("--bandwidth", a.bandwidth,
                    "Of the memory, GB/s: how many tokens a second that allows")
        ->type_name("GB/S")
        ->check(CLI::PositiveNumber)
        ->group("Budget");
    command.add_flag("--curve", a.curve, "Size and predicted divergence of all plans")
        ->group("Budget");
}

void add_time(CLI::App& command, PlanArguments& a) {
    CLI::Option* speeds =
        command
            .add_option("--speeds", a.speeds,
                        "Of types, by 'bitgauge bench --types --json': how fast the file may be")
            ->type_name("FILE")
            ->group("Budget");
    CLI::Option* tokens = command
                              .add_option("--tokens-per-second", a.tokens_per_second,
                                          "At least, beside the size; by --speeds")
                              ->type_name("N")
                              ->check(CLI::PositiveNumber)
                              ->needs(speeds)
                              ->group("Budget");
    command
        .add_option("--slower-at-most", a.slower_at_most,
                    "Than the fastest file of the size, by --speeds; per cent")
        ->type_name("PERCENT")
        ->check(CLI::NonNegativeNumber)
        ->needs(speeds)
        ->excludes(tokens)
        ->group("Budget");
}

void add_guess(CLI::App& command, PlanArguments& a) {
    command
        .add_flag("--no-sweep", a.no_sweep,
                  "Guess from another model's sensitivities; the file may be a header only")
        ->group("Guess");
    command.add_option("--prior", a.prior, "The other model [the nearest]")
        ->type_name("NAME")
        ->group("Guess");
    command.add_option("--priors", a.priors, "Your own [~/.local/share/bitgauge/priors]")
        ->type_name("DIR")
        ->group("Guess");
    command
        .add_flag("--with-importance", a.as_if_importance, "As if an importance matrix was there")
        ->group("Guess");
    command.add_option("--threads", a.threads, "To encode with; 0: one per core")
        ->type_name("N")
        ->capture_default_str()
        ->group("Guess");
}

}  // namespace

void add_plan(CLI::App& app, Console& console) {
    auto a = std::make_shared<PlanArguments>();
    CLI::App* command =
        add_command(app, console, "plan", "The best types for a size, from a sweep",
                    "  bitgauge plan model-BF16.gguf --size 20GiB -o model-20GiB.recipe\n"
                    "  bitgauge plan model-BF16.gguf --kld 0.01 --no-iq\n"
                    "  bitgauge plan model-BF16.gguf --fit 24GB --ctx 32k --kv q8_0\n"
                    "  bitgauge plan model-BF16.gguf --size 20GiB --speeds types.json \\\n"
                    "      --tokens-per-second 12\n"
                    "  bitgauge plan model-BF16.gguf --curve\n"
                    "  bitgauge plan model-BF16.gguf --no-sweep --size 20GiB");
    command->add_option("ORIGINAL", a->original, "The unquantized model (first shard)")
        ->required()
        ->type_name("");
    command->add_option("--store", a->store, "Where its sweep is")
        ->type_name("FILE")
        ->capture_default_str();
    command
        ->add_option("-i,--imatrix", a->importance,
                     "That the file will be made with: its keys have a size, too")
        ->type_name("FILE");
    add_budgets(*command, *a);
    add_time(*command, *a);
    add_mix_options(*command, a->mix);
    add_guess(*command, *a);
    command->add_option("-o,--out", a->out, "Write the recipe here")
        ->type_name("FILE")
        ->group("Output");
    command->add_flag("--tensor-types", a->tensor_types, "As llama-quantize's --tensor-type-file")
        ->group("Output");
    command->add_flag("--json", a->json, "The plan as JSON")->group("Output");
    command->callback([a, &console] {
        check(*a);
        Planning(*a, console.progress()).print(console);
    });
}

}  // namespace bitgauge
