#include "bitgauge/drift.h"

#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/store.h"

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/page.h"
#include "report/names.h"
#include "report/numbers.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct DriftArguments {
    std::vector<fs::path> files;
    fs::path baseline;
    fs::path original;
    fs::path store = "bitgauge.db";
    DriftOptions options;
    bool json = false;
    bool markdown = false;
};

// 32 and all, or all alone where that is less.
std::vector<uint32_t> lengths(const DriftOutcome& outcome) {
    if (outcome.tokens <= 32) return {outcome.tokens};
    return {32, outcome.tokens};
}

std::vector<std::string> names_of(const DriftOutcome& outcome) {
    std::vector<ModelIdentity> models;
    for (const Drift& drift : outcome.candidates) models.push_back(drift.model);
    return short_names(models);
}

Grid all_grid(const DriftOutcome& outcome) {
    Grid grid;
    grid.columns = {{"file", "", true}, {"size", "GiB"}, {"first different token", "median"}};
    for (const uint32_t n : lengths(outcome)) {
        grid.columns.push_back({fmt::format("same at {}", n), "% [95 %]"});
    }
    const auto add = [&](const std::string& name, const Drift& drift) {
        const double median = median_same_tokens(drift);
        auto& cells = grid.rows.emplace_back();
        cells = {name, fmt::format("{:.4f}", static_cast<double>(drift.model.size_bytes) / kGiB),
                 median >= outcome.tokens ? fmt::format("none in {}", outcome.tokens)
                                          : fmt::format("{:.0f}", median + 1)};
        for (const uint32_t n : lengths(outcome)) {
            cells.push_back(format_share(identical_share(outcome, drift, n)));
        }
    };
    const auto names = names_of(outcome);
    for (size_t i = 0; i < names.size(); ++i) add(names[i], outcome.candidates[i]);
    add("original, one at a time", outcome.floor);
    return grid;
}

Grid strata_grid(const DriftOutcome& outcome) {
    Grid grid;
    grid.columns = {{"file", "", true}};
    for (const auto& stratum : outcome.strata) {
        grid.columns.push_back({stratum, fmt::format("% same at {}", lengths(outcome).front())});
    }
    const auto names = names_of(outcome);
    for (size_t i = 0; i < names.size(); ++i) {
        auto& cells = grid.rows.emplace_back();
        cells.push_back(names[i]);
        for (size_t s = 0; s < outcome.strata.size(); ++s) {
            cells.push_back(
                format_share(identical_share(outcome, outcome.candidates[i],
                                             lengths(outcome).front(), static_cast<int32_t>(s))));
        }
    }
    return grid;
}

std::string drift_text(const DriftOutcome& outcome, bool markdown) {
    Page page(markdown ? Page::Form::kMarkdown : Page::Form::kTerminal);
    page.title(fmt::format("Greedy continuations of {} beginnings of {} tokens, {} tokens each",
                           format_count(outcome.stratum.size()), outcome.prompt_tokens,
                           outcome.tokens));
    page.table(all_grid(outcome));
    if (outcome.strata.size() > 1) {
        page.heading("By stratum");
        page.table(strata_grid(outcome));
    }
    return page.text();
}

Json drift_json(const DriftOutcome& outcome, const Drift& drift) {
    Json json = {{"file", drift.model.file},
                 {"content_hash", drift.model.content_hash},
                 {"size_bytes", drift.model.size_bytes},
                 {"same_tokens", drift.same_tokens},
                 {"median_same_tokens", median_same_tokens(drift)}};
    for (const uint32_t n : lengths(outcome)) {
        const Estimate same = identical_share(outcome, drift, n);
        json[fmt::format("identical_share_at_{}", n)] = to_json(same);
        json[fmt::format("divergence_{}_at_{}", drift.same_tokens.size(), n)] = 1 - same.value;
    }
    return json;
}

Json outcome_json(const DriftOutcome& outcome) {
    Json json = {{"schema", "bitgauge.drift/1"},
                 {"prompts", outcome.stratum.size()},
                 {"prompt_tokens", outcome.prompt_tokens},
                 {"tokens", outcome.tokens},
                 {"strata", outcome.strata},
                 {"stratum", outcome.stratum},
                 {"floor", drift_json(outcome, outcome.floor)},
                 {"files", Json::array()}};
    for (const Drift& drift : outcome.candidates) {
        json["files"].push_back(drift_json(outcome, drift));
    }
    return json;
}

void run_drift(DriftArguments& a, Console& console) {
    a.options.isolation = this_program();
    Store store(a.store);
    const DriftOutcome outcome =
        measure_drift(a.files, a.baseline, a.original, a.options, console.progress());
    for (const DriftRecord& record : drift_records(outcome, a.options.engine)) {
        store.put_drift(record);
    }
    console.print(
        a.json ? outcome_json(outcome).dump(1, ' ', false, Json::error_handler_t::replace) + "\n"
               : drift_text(outcome, a.markdown));
}

}  // namespace

void add_drift(CLI::App& app, Console& console) {
    auto a = std::make_shared<DriftArguments>();
    CLI::App* command =
        add_command(app, console, "drift", "How long models write what their original writes",
                    "  bitgauge drift model-Q4_K_M.gguf model-IQ4_XS.gguf -b chats.base \\\n"
                    "      --original model-BF16.gguf\n"
                    "  bitgauge drift quants/*.gguf -b chats.base --tokens 32 --json");
    command->add_option("FILE", a->files, "Quantized models; of a split one, the first shard")
        ->required()
        ->type_name("");
    command->add_option("-b,--baseline", a->baseline, "Made by 'bitgauge baseline'")
        ->required()
        ->type_name("DIR");
    command
        ->add_option("--original", a->original,
                     "The baseline's original; needed once, what it writes is kept")
        ->type_name("FILE");
    command->add_option("--store", a->store, "Where records are kept")
        ->type_name("FILE")
        ->capture_default_str();
    const auto number = [command](const char* name, uint32_t& value, const char* help) {
        command->add_option(name, value, help)
            ->type_name("N")
            ->check(CLI::Range(1, 1 << 20))
            ->capture_default_str()
            ->group("Continuations");
    };
    number("--prompts", a->options.prompts, "Beginnings, spread over the strata");
    number("--prompt-tokens", a->options.prompt_tokens, "Of each window, from its beginning");
    number("--tokens", a->options.tokens, "Written after each");
    number("--parallel", a->options.parallel, "Written at a time");
    command->add_flag("--markdown", a->markdown, "Print the table as Markdown");
    command->add_flag("--json", a->json, "Print one JSON record");
    add_engine_options(*command, a->options.engine);
    command->callback([a, &console] { run_drift(*a, console); });
}

}  // namespace bitgauge
