#include "cli/imatrix_measure.h"

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/json.h"
#include "base/units.h"
#include "cli/choice.h"
#include "cli/engine_options.h"
#include "cli/require.h"

namespace bitgauge {
namespace {

std::string rarest_text(const ImportanceOutcome& made) {
    if (made.rarest_expert_tokens < 0) return "";
    return fmt::format("experts    the rarest saw {}\n",
                       counted(static_cast<uint64_t>(made.rarest_expert_tokens), "token"));
}

std::string outcome_text(const MeasureImportance& a, const ImportanceOutcome& made) {
    return fmt::format(
        "importance {} ({}, {})\n"
        "original   {}\n"
        "text       {} in {} of up to {} tokens ({})\n"
        "{}"
        "evaluated  {}\n",
        a.out.string(), counted(made.tensors, "tensor"), format_bytes(made.bytes), made.made.model,
        counted(made.tokens, "token"), counted(made.windows, "window"), made.window_tokens,
        made.made.protocol, rarest_text(made), made.evaluation);
}

Json outcome_json(const MeasureImportance& a, const ImportanceOutcome& made) {
    Json record = {{"schema", "bitgauge.imatrix/1"}, {"out", a.out.string()},
                   {"model", made.made.model},       {"model_hash", made.made.model_hash},
                   {"protocol", made.made.protocol}, {"tensors", made.tensors},
                   {"windows", made.windows},        {"window_tokens", made.window_tokens},
                   {"tokens", made.tokens},          {"bytes", made.bytes},
                   {"evaluation", made.evaluation}};
    if (made.rarest_expert_tokens >= 0) record["rarest_expert_tokens"] = made.rarest_expert_tokens;
    for (const auto& stratum : made.made.strata) {
        record["strata"].push_back({{"name", stratum.name},
                                    {"documents", stratum.documents},
                                    {"windows", stratum.windows},
                                    {"tokens", stratum.tokens}});
    }
    return record;
}

}  // namespace

void add_measuring_options(CLI::App& command, MeasureImportance& a) {
    command.add_option("ORIGINAL", a.original, "The unquantized model (first shard)")
        ->type_name("");
    command.add_option("--protocol", a.protocol, "How texts are cut: as documents, or as one run")
        ->type_name("NAME")
        ->check(one_of({"documents", "llama-imatrix"}))
        ->capture_default_str()
        ->group("Measuring");
    command.add_option("--window", a.options.protocol.window_tokens, "Longest window")
        ->type_name("TOKENS")
        ->check(CLI::Range(2U, 1U << 20U))
        ->capture_default_str()
        ->group("Measuring");
    command.add_option("--max-windows", a.options.protocol.max_windows, "Stop after N (0: all)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Measuring");
    command
        .add_flag("--process-output", a.options.head,
                  "The output head as well (the token embedding's tensor where they are one)")
        ->group("Measuring");
    command
        .add_flag("--nextn", a.options.prediction,
                  "The first layer that predicts further tokens (MTP) as well")
        ->group("Measuring");
    command.add_option("--ubatch", a.options.ubatch_tokens, "Tokens per call (0: automatic)")
        ->type_name("TOKENS")
        ->capture_default_str()
        ->group("Measuring");
    add_engine_options(command, a.options.engine);
}

void run_measuring(MeasureImportance& a, Console& console) {
    require_texts(a.options.texts);
    require(!a.out.empty(), "no file to write was given", "name it with -o");
    if (a.protocol == "llama-imatrix") a.options.protocol.kind = Protocol::Kind::kLlamaPerplexity;
    a.options.older_format = a.out.extension() == ".dat";
    a.options.isolation = this_program();
    const ImportanceOutcome made =
        measure_importance(a.original, a.out, a.options, console.progress());
    console.print(a.json ? outcome_json(a, made).dump(2) + "\n" : outcome_text(a, made));
}

}  // namespace bitgauge
