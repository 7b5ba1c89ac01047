#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"
#include "bitgauge/hardware.h"
#include "bitgauge/qtype.h"
#include "bitgauge/quantize.h"
#include "bitgauge/store.h"

#include "base/files.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/mix_options.h"
#include "cli/plan_report.h"
#include "cli/sizes.h"

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
    uint64_t context = 8192;
    std::string kv = "f16";
    std::optional<double> bits;
    std::optional<double> nats;
    MixArguments mix;
    bool curve = false;
    bool tensor_types = false;
    bool json = false;
};

constexpr size_t kCurvePoints = 40;
constexpr uint64_t kCallTokens = 512;  // llama.cpp's own choice

// Keys and values of 16 bits in another type.
uint64_t scaled_context(uint64_t bytes, const std::string& type) {
    return static_cast<uint64_t>(static_cast<double>(bytes) * find_type(type)->bits_per_weight() /
                                 16);
}

// The newest sweep of this very file.
SweepTable sweep_of(const GgufFile& file, const fs::path& store_path) {
    const Store store(store_path, Store::Access::kReadOnly);
    const std::string hash = identify_model(file, /*with_hash=*/true).content_hash;
    std::optional<SweepTable> newest;
    std::string others;
    for (SweepTable& sweep : store.all_sweeps()) {
        if (sweep.original.content_hash == hash) {
            newest = std::move(sweep);
        } else {
            others = sweep.original.file;
        }
    }
    if (newest) return std::move(*newest);
    const std::string name = file.shards().front().filename().string();
    throw Error(ErrorKind::kInput,
                fmt::format("{} has no sweep of '{}'{}", store_path.string(), name,
                            others.empty() ? "" : fmt::format(" (but one of '{}')", others)),
                fmt::format("run: bitgauge sweep {} -t TEXT", name));
}

class Planning {
  public:
    explicit Planning(const PlanArguments& a)
        : a_(a),
          file_(GgufFile::open(a.original)),
          model_(model_header(file_)),
          table_(sweep_of(file_, a.store)),
          mixer_(make_mixer()) {}

    void print(Console& console) const {
        if (a_.curve) {
            const auto curve = mixer_.curve(kCurvePoints);
            return console.print(a_.json ? curve_json(curve).dump(1) + "\n" : curve_text(curve));
        }
        const MixPlan plan = make();
        const Recipe recipe = recipe_of_types(model_, plan.mix, name());
        const Resolution resolution = resolve(model_, recipe, !table_.importance_hash.empty());
        if (!a_.out.empty()) write(recipe, resolution);
        console.print(a_.json ? plan_json(plan, resolution).dump(1) + "\n"
                              : plan_text(plan, resolution));
    }

  private:
    Mixer make_mixer() const {
        const auto found = sensitivities(table_);
        return Mixer(model_, table_, found, mix_options(a_.mix), calibrate(table_, found));
    }

    MixPlan make() const {
        const auto exact = [this](const Mix& mix) { return exact_bytes(mix); };
        if (a_.nats) return mixer_.for_divergence(*a_.nats, exact);
        if (!a_.size.empty()) return mixer_.for_bytes(parse_size(a_.size), exact);
        if (!a_.memory.empty()) return mixer_.for_bytes(bytes_beside_context(), exact);
        if (a_.bits) return mixer_.for_bytes(bytes_of_bits(*a_.bits), exact);
        throw Error(ErrorKind::kInput, "no budget was given",
                    "add --size 20GiB, --bpw 4.5, --fit 24GB or --kld 0.01; --curve shows all");
    }

    // As load_recipe() will read it.
    std::string name() const { return a_.out.empty() ? "plan" : a_.out.stem().string(); }

    // What the memory has left beside keys, values and one call of the model.
    uint64_t bytes_beside_context() const {
        const uint64_t memory = parse_size(a_.memory);
        const EvaluationMemory needs = evaluation_memory(file_, a_.context, 1, kCallTokens);
        const uint64_t beside = scaled_context(needs.context, a_.kv) + needs.compute;
        if (beside < memory) return memory - beside;
        throw Error(ErrorKind::kInput,
                    fmt::format("a context of {} tokens takes {} of {} beside the weights",
                                a_.context, format_bytes(beside), format_bytes(memory)),
                    "take a smaller --ctx, or --kv q8_0");
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
    SweepTable table_;
    Mixer mixer_;
};

void add_budgets(CLI::App& command, PlanArguments& a) {
    command.add_option("--size", a.size, "Of the file: 20GiB, 24GB, 500MiB")
        ->type_name("SIZE")
        ->group("Budget");
    command.add_option("--bpw", a.bits, "Bits per weight of the file")
        ->type_name("BITS")
        ->check(CLI::PositiveNumber)
        ->group("Budget");
    command.add_option("--fit", a.memory, "Memory that weights, context and one call share: 24GB")
        ->type_name("SIZE")
        ->group("Budget");
    command.add_option("--ctx", a.context, "Tokens of the context, of --fit")
        ->type_name("N")
        ->check(CLI::Range(1U, 1U << 30U))
        ->capture_default_str()
        ->group("Budget");
    command.add_option("--kv", a.kv, "Type of keys and values, of --fit")
        ->type_name("TYPE")
        ->check(one_of({"f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"}))
        ->capture_default_str()
        ->group("Budget");
    command.add_option("--kld", a.nats, "The smallest file of at most this divergence")
        ->type_name("NATS")
        ->check(CLI::PositiveNumber)
        ->group("Budget");
    command.add_flag("--curve", a.curve, "Size and predicted divergence of all plans")
        ->group("Budget");
}

}  // namespace

void add_plan(CLI::App& app, Console& console) {
    auto a = std::make_shared<PlanArguments>();
    CLI::App* command =
        add_command(app, console, "plan", "The best types for a size, from a sweep",
                    "  bitgauge plan model-BF16.gguf --size 20GiB -o model-20GiB.recipe\n"
                    "  bitgauge plan model-BF16.gguf --kld 0.01 --no-iq\n"
                    "  bitgauge plan model-BF16.gguf --curve");
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
    add_mix_options(*command, a->mix);
    command->add_option("-o,--out", a->out, "Write the recipe here")
        ->type_name("FILE")
        ->group("Output");
    command->add_flag("--tensor-types", a->tensor_types, "As llama-quantize's --tensor-type-file")
        ->group("Output");
    command->add_flag("--json", a->json, "The plan as JSON")->group("Output");
    command->callback([a, &console] { Planning(*a).print(console); });
}

}  // namespace bitgauge
