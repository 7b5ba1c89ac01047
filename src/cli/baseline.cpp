#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

#include "base/units.h"
#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/require.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct BaselineArguments {
    fs::path original;
    fs::path out;
    fs::path import_file;
    fs::path export_file;
    std::string protocol = "documents";
    uint32_t window = 0;
    double range = 16;
    bool json = false;
    BaselineOptions options;
};

constexpr uint32_t kPeerWindow = 512;

Protocol protocol_of(const BaselineArguments& arguments) {
    Protocol protocol = arguments.options.protocol;
    if (arguments.protocol == "llama-perplexity") {
        protocol.kind = Protocol::Kind::kLlamaPerplexity;
        protocol.window_tokens = kPeerWindow;
    }
    if (arguments.window > 0) protocol.window_tokens = arguments.window;
    return protocol;
}

std::string floor_text(double nats) {
    if (nats == 0) return "not measured";
    return fmt::format("{:.2g} nats: the original against itself in batches of another shape",
                       nats);
}

std::string made_text(const BaselineSummary& made, const fs::path& out) {
    const MeasureRecord& id = made.identity;
    const double times =
        made.bytes > 0 ? static_cast<double>(made.peer_bytes) / static_cast<double>(made.bytes) : 0;
    return fmt::format(
        "baseline   {}{}\n"
        "original   {} ({})\n"
        "protocol   {}: windows of {} tokens, {} warm-up; {}, {} tokens per call\n"
        "text       {} in {} of {}\n"
        "kept       {} in {}, {}: {:.1f} times smaller than llama-perplexity's base file\n"
        "check      {}\n"
        "self-KLD   {:.2g} nats (stored against unrounded; below 1e-6 is as good as none)\n"
        "floor      {}\n",
        out.string(), made.was_complete ? " (was complete)" : "", id.baseline.original.file,
        format_bytes(id.baseline.original.size_bytes), id.protocol.name, id.protocol.window_tokens,
        id.protocol.warmup_tokens, counted(id.protocol.sequences_per_batch, "sequence"),
        id.protocol.tokens_per_ubatch, counted(id.corpus.scored_tokens, "scored position"),
        counted(id.corpus.windows, "window"), counted(id.corpus.documents, id.corpus.cluster_unit),
        id.baseline.kind, id.baseline.precision, format_bytes(made.bytes), times,
        id.baseline.head_check_outcome, id.baseline.self_kld_nats, floor_text(id.noise_floor_nats));
}

// After the result: the baseline is kept, and tells the same at every call.
void refuse_not_finite(const BaselineSummary& made, const fs::path& out) {
    const uint64_t positions = nonfinite_positions(out);
    if (positions == 0) return;
    throw Error(ErrorKind::kNotFinite,
                fmt::format("'{}' gives no finite logits at {} of {} positions",
                            made.identity.baseline.original.file, format_count(positions),
                            format_count(made.identity.corpus.scored_tokens)),
                "weights of it hold NaN or infinity, or its states overflow f16 (--precision f32)");
}

void run_baseline(BaselineArguments& arguments, Console& console) {
    if (!arguments.export_file.empty()) {
        require(!arguments.out.empty(), "no baseline to export was given", "add -o DIR");
        export_peer_baseline(arguments.out, arguments.export_file, arguments.range,
                             console.progress());
        console.print(fmt::format("wrote {}\n", arguments.export_file.string()));
        return;
    }
    BaselineSummary made;
    if (!arguments.import_file.empty()) {
        made = import_peer_baseline(arguments.import_file, arguments.original, arguments.out,
                                    console.progress());
    } else {
        require(!arguments.original.empty(), "no original model was given",
                "bitgauge baseline ORIGINAL.gguf -t TEXT -o DIR");
        require_texts(arguments.options.texts);
        arguments.options.protocol = protocol_of(arguments);
        arguments.options.isolation = this_program();
        made =
            make_baseline(arguments.original, arguments.out, arguments.options, console.progress());
    }
    console.print(made_text(made, arguments.out));
    console.flush();
    refuse_not_finite(made, arguments.out);
}

void add_protocol_options(CLI::App& command, BaselineArguments& a) {
    command.add_option("--protocol", a.protocol, "How texts are cut and scored")
        ->type_name("NAME")
        ->check(one_of({"documents", "llama-perplexity"}))
        ->capture_default_str()
        ->group("Text");
    command.add_option("--window", a.window, "Longest window (0: 2048; llama-perplexity: 512)")
        ->type_name("TOKENS")
        ->check(CLI::Range(0U, 1U << 20U))
        ->capture_default_str()
        ->group("Text");
    command
        .add_option("--warmup", a.options.protocol.warmup_tokens,
                    "Context only, at each window's start (documents)")
        ->type_name("TOKENS")
        ->capture_default_str()
        ->group("Text");
    command.add_option("--max-windows", a.options.protocol.max_windows, "Stop after N (0: all)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Text");
}

void add_peer_options(CLI::App& command, BaselineArguments& a) {
    command.add_option("--import", a.import_file, "Read llama-perplexity's base file instead")
        ->type_name("FILE")
        ->group("Exchange");
    command.add_option("--export", a.export_file, "Write baseline -o DIR as such a file")
        ->type_name("FILE")
        ->group("Exchange");
    command.add_option("--range", a.range, "Of an export: 16 (llama.cpp) or 24 (ik_llama.cpp)")
        ->type_name("NATS")
        ->check(CLI::Range(1.0, 64.0))
        ->capture_default_str()
        ->group("Exchange");
}

}  // namespace

void add_baseline(CLI::App& app, Console& console) {
    auto a = std::make_shared<BaselineArguments>();
    CLI::App* command =
        add_command(app, console, "baseline", "Store what the original says about a text",
                    "  bitgauge baseline model-BF16.gguf -t wiki.test.raw -o wiki.base\n"
                    "  bitgauge baseline model-BF16.gguf -t chats.jsonl -t books/ -o mixed.base\n"
                    "  bitgauge baseline model-BF16.gguf --import logits.kld -o imported.base");
    command->add_option("ORIGINAL", a->original, "The unquantized model (first shard)")
        ->type_name("");
    command->add_option("-o,--out", a->out, "Folder of the baseline; goes on where it stopped")
        ->type_name("DIR")
        ->required();
    command->add_option("-t,--text", a->options.texts, "Text, JSONL or a folder; may be repeated")
        ->type_name("PATH")
        ->group("Text");
    add_protocol_options(*command, *a);
    command->add_option("--precision", a->options.precision, "Of stored states")
        ->type_name("TYPE")
        ->check(one_of({"auto", "f16", "bf16", "f32"}))
        ->capture_default_str()
        ->group("Evaluation");
    command->add_option("--ubatch", a->options.ubatch_tokens, "Tokens per call (0: automatic)")
        ->type_name("TOKENS")
        ->capture_default_str()
        ->group("Evaluation");
    add_engine_options(*command, a->options.engine);
    add_peer_options(*command, *a);
    command->callback([a, &console] { run_baseline(*a, console); });
}

}  // namespace bitgauge
