#include "cli/sweep_options.h"

#include "cli/choice.h"

namespace bitgauge {

void add_sweep_options(CLI::App& command, SweepOptions& options) {
    command.add_option("--tokens", options.tokens, "Scored, of each disturbed tensor")
        ->type_name("N")
        ->capture_default_str()
        ->group("Measurement");
    command
        .add_option("--reference-tokens", options.reference_tokens,
                    "Scored, of whole mixes, which tie the sums to what they come to")
        ->type_name("N")
        ->capture_default_str()
        ->group("Measurement");
    command
        .add_option_function<std::string>(
            "--protocol",
            [&options](const std::string& name) {
                options.protocol.kind = name == "documents" ? Protocol::Kind::kDocuments
                                                            : Protocol::Kind::kLlamaPerplexity;
            },
            "How texts are cut: as documents, or as one run [documents]")
        ->type_name("NAME")
        ->check(one_of({"documents", "llama-perplexity"}))
        ->group("Measurement");
    command.add_option("--window", options.protocol.window_tokens, "Longest window")
        ->type_name("TOKENS")
        ->check(CLI::Range(128U, 1U << 20U))
        ->capture_default_str()
        ->group("Measurement");
    command.add_flag("--full", options.full, "Every tensor, not only some layers")
        ->group("Measurement");
    command.add_option("--every", options.every, "Layers from one measured one to the next")
        ->type_name("N")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str()
        ->group("Measurement");
}

}  // namespace bitgauge
