#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

#include "base/child_process.h"
#include "base/interrupt.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/engine_options.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct QuantizeArguments {
    fs::path original;
    fs::path out;
    std::string recipe;
    bool direct = false;
    QuantizeOptions options;
};

void run_quantize(const QuantizeArguments& a, Console& console) {
    if (a.direct) {
        end_with_parent();
        end_at_interrupt();
        quantize_with_libllama(a.original, a.out, a.recipe, a.options);
        return;
    }
    quantize_in_child(a.original, a.out, a.recipe, a.options, this_program());
    console.print(fmt::format("wrote {} ({}, {})\n", a.out.string(), a.recipe,
                              format_bytes(fs::file_size(a.out))));
}

}  // namespace

void add_quantize(CLI::App& app, Console& console) {
    auto a = std::make_shared<QuantizeArguments>();
    CLI::App* command =
        add_command(app, console, "quantize", "Make a quantized file with libllama's quantizer",
                    "  bitgauge quantize model-BF16.gguf -r Q4_K_M -o model-Q4_K_M.gguf");
    command->add_option("ORIGINAL", a->original, "The unquantized model")
        ->required()
        ->type_name("");
    command->add_option("-r,--recipe", a->recipe, "File type as llama.cpp names it: Q4_K_M")
        ->required()
        ->type_name("NAME");
    command->add_option("-o,--out", a->out, "The file to write")->required()->type_name("FILE");
    command->add_flag("--pure", a->options.pure, "Every matrix in the same type");
    command->add_option("--threads", a->options.threads, "Threads (0: one per core)")
        ->type_name("N")
        ->capture_default_str();
    command->add_flag("--direct", a->direct, "In this process")->group("");
    command->callback([a, &console] { run_quantize(*a, console); });
}

}  // namespace bitgauge
