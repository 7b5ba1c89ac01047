#include "cli/fit_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/placement_words.h"
#include "report/grid.h"

namespace bitgauge {
namespace {

std::string rate_text(const std::optional<double>& rate) {
    if (!rate) return "";
    return *rate < 100 ? fmt::format("{:.3g}", *rate) : fmt::format("{:.0f}", *rate);
}

std::string type_text(const FitWish& wish) {
    return wish.key_type == wish.value_type ? wish.key_type : wish.key_type + "/" + wish.value_type;
}

std::string fit_words(const FitAnswer& answer, const FitRow& row) {
    return placement_words(answer.machine, row.file->parts, row.placement);
}

// --- one file -----------------------------------------------------------------------------------

// llama.cpp's own unit, so that its log compares.
std::string mib_text(uint64_t bytes) {
    const double mebibytes = static_cast<double>(bytes) / (1024 * 1024);
    return fmt::format("{:.{}f}", mebibytes, mebibytes < 1000 ? 1 : 0);
}

std::vector<std::string> use_row(const std::string& where, const MemoryUse& use,
                                 const Memory* memory) {
    return {where,
            mib_text(use.weights),
            mib_text(use.kept),
            mib_text(use.compute),
            mib_text(use.total()),
            memory == nullptr ? "" : mib_text(memory->usable_bytes())};
}

Grid memory_grid(const FitAnswer& answer, const FitRow& row) {
    Grid grid{.columns = {{.title = "memory", .text = true},
                          {.title = "weights", .unit = "MiB"},
                          {.title = "context", .unit = "MiB"},
                          {.title = "compute", .unit = "MiB"},
                          {.title = "together", .unit = "MiB"},
                          {.title = "may have", .unit = "MiB"}}};
    const auto& cards = answer.machine.cards;
    for (size_t i = 0; i < row.placement.cards.size(); ++i) {
        const MemoryUse& use = row.placement.cards[i];
        if (use.total() == 0) continue;
        const std::string number = cards.size() > 1 ? fmt::format(" {}", i + 1) : "";
        grid.rows.push_back(use_row(cards[i].name + number, use, &cards[i]));
    }
    const auto& ram = answer.machine.ram;
    const std::string name = answer.machine.unified ? "beside it, there too" : "main memory";
    grid.rows.push_back(use_row(name, row.placement.ram, ram ? &*ram : nullptr));
    return grid;
}

std::string context_text(const FitAnswer& answer, const FitRow& row) {
    const ContextMemory& c = row.context;
    std::string text = fmt::format("{} tokens: {} of keys and values ({})", format_count(c.tokens),
                                   format_bytes(c.keys_values), type_text(answer.wish));
    if (c.recurrent > 0) text += fmt::format(", {} of states", format_bytes(c.recurrent));
    return text + fmt::format(", {} of one call of {} tokens", format_bytes(c.compute),
                              answer.wish.call_tokens);
}

std::string largest_text(const FitAnswer& answer, const FitRow& row) {
    const uint64_t trained = answer.trained_context(row);
    const auto with_limit = [&](uint64_t tokens) {
        const bool all = trained > 0 && tokens >= trained;
        return format_count(tokens) + " tokens" +
               (all ? fmt::format(" (trained for {})", format_count(trained)) : "");
    };
    if (row.largest_anywhere == 0) return "no context fits";
    if (row.placement.fit == Fit::kNowhere || row.largest_context == row.largest_anywhere) {
        return with_limit(row.largest_anywhere);
    }
    return fmt::format("{} placed like this, {} with more of it in RAM",
                       with_limit(row.largest_context), with_limit(row.largest_anywhere));
}

std::string speed_text(const Placement& p) {
    if (!p.most_tokens_per_second) return "";
    const std::string at_end = rate_text(p.most_tokens_per_second_at_end);
    return fmt::format(
        "at most {} tokens/s, {} with the context full: if every byte is read at its "
        "memory's full rate and nothing else takes time",
        rate_text(p.most_tokens_per_second), at_end);
}

std::string rates_text(const Machine& machine) {
    std::string text;
    const auto add = [&text](const Memory& memory) {
        if (memory.bytes_per_second <= 0) return;
        text += fmt::format("{}{} {:.4g} GB/s ({})", text.empty() ? "" : "; ", memory.name,
                            memory.bytes_per_second / kGB, memory.source);
    };
    if (!machine.cards.empty()) add(machine.cards.front());
    if (machine.ram) add(*machine.ram);
    return text;
}

std::string about_file(const FitRow& row, const FitAnswer& answer) {
    const GgufFile& header = answer.models.models[row.file->model].header;
    std::string text = fmt::format("{}, {}", format_bytes(row.file->bytes), header.architecture());
    const uint64_t trained = answer.trained_context(row);
    if (trained > 0) text += fmt::format(", trained for {} tokens", format_count(trained));
    return text + (row.file->scaled ? "; its tensors guessed from another file's by size" : "");
}

void add_details(const FitAnswer& answer, const FitRow& row, Page& page) {
    page.fact("file", about_file(row, answer));
    page.fact("machine", answer.machine.name);
    page.fact("context", context_text(answer, row));
    page.fact("fits", fit_words(answer, row));
    page.fact("largest", largest_text(answer, row));
    page.fact("speed", speed_text(row.placement));
    page.fact("rates", rates_text(answer.machine));
    if (row.placement.fit == Fit::kNowhere) return;
    page.heading("Memory");
    page.table(memory_grid(answer, row));
    page.heading("Start");
    for (const std::string& command : start_commands(answer, row)) page.item(command);
}

// --- several ------------------------------------------------------------------------------------

bool any_measured(const FitAnswer& answer) {
    return std::any_of(answer.rows.begin(), answer.rows.end(),
                       [](const FitRow& row) { return row.kld_nats.has_value(); });
}

Grid file_grid(const FitAnswer& answer) {
    Grid grid{.columns = {{.title = "file", .text = true},
                          {.title = "size"},
                          {.title = "fits", .text = true},
                          {.title = "largest context", .unit = "tokens"},
                          {.title = "at most", .unit = "tokens/s"}}};
    const bool measured = any_measured(answer);
    if (measured) grid.columns.push_back({.title = "KLD", .unit = "nats"});
    for (const FitRow& row : answer.rows) {
        const bool fits = row.placement.fit != Fit::kNowhere;
        grid.rows.push_back({row.file->name, format_bytes(row.file->bytes), fit_words(answer, row),
                             format_count(fits ? row.largest_context : row.largest_anywhere),
                             rate_text(row.placement.most_tokens_per_second)});
        if (!measured) continue;
        grid.rows.back().push_back(row.kld_nats ? fmt::format("{:.3g}", *row.kld_nats) : "");
    }
    return grid;
}

std::string reason_text(const FitAnswer& answer) {
    const FitRow& row = answer.rows[*answer.best];
    const bool whole = row.placement.fit == Fit::kOnCards || row.placement.fit == Fit::kInRam;
    const std::string placed = (whole ? "is " : "fits with ") + fit_words(answer, row);
    if (answer.by_divergence) {
        return fmt::format("of the measured files the one of least divergence that {}", placed);
    }
    return fmt::format("the largest that {}; the store has no divergences to choose by", placed);
}

// The next larger one that fits with more in main memory.
std::string larger_text(const FitAnswer& answer) {
    const FitRow& best = answer.rows[*answer.best];
    const auto next =
        std::find_if(answer.rows.rbegin(), answer.rows.rend(), [&](const FitRow& row) {
            return row.file->bytes > best.file->bytes && row.placement.fit > best.placement.fit &&
                   row.placement.fit != Fit::kNowhere;
        });
    if (next == answer.rows.rend()) return "";
    const auto& rate = next->placement.most_tokens_per_second;
    return fmt::format("{} ({}) fits too: {}{}", next->file->name, format_bytes(next->file->bytes),
                       fit_words(answer, *next),
                       rate ? fmt::format(", at most {} tokens/s", rate_text(rate)) : "");
}

// --- JSON ---------------------------------------------------------------------------------------

const char* fit_name(Fit fit) {
    switch (fit) {
        case Fit::kOnCards:
            return "cards";
        case Fit::kExpertsInRam:
            return "experts in ram";
        case Fit::kLayersInRam:
            return "layers in ram";
        case Fit::kInRam:
            return "ram";
        case Fit::kNowhere:
            break;
    }
    return "no";
}

Json use_json(const MemoryUse& use) {
    return {{"weight_bytes", use.weights},
            {"context_bytes", use.kept},
            {"compute_bytes", use.compute},
            {"total_bytes", use.total()},
            {"weight_bytes_read_per_token", use.read_per_token}};
}

Json memory_json(const Memory& memory) {
    Json json = {{"name", memory.name},
                 {"bytes", memory.bytes},
                 {"usable_bytes", memory.usable_bytes()},
                 {"bandwidth_bytes_per_s", nullptr},
                 {"source", memory.source}};
    if (memory.bytes_per_second > 0) json["bandwidth_bytes_per_s"] = memory.bytes_per_second;
    return json;
}

Json machine_json(const Machine& machine) {
    Json json = {{"name", machine.name},
                 {"unified", machine.unified},
                 {"cards", Json::array()},
                 {"ram", nullptr}};
    for (const Memory& card : machine.cards) json["cards"].push_back(memory_json(card));
    if (machine.ram) json["ram"] = memory_json(*machine.ram);
    return json;
}

Json optional_json(const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json placement_json(const Placement& p) {
    Json json = {{"fits", fit_name(p.fit)}};
    if (p.fit == Fit::kNowhere) {
        json["missing_bytes"] = p.missing_bytes;
        return json;
    }
    json["gpu_layers"] = p.gpu_layers;
    json["cpu_expert_layers"] = p.cpu_expert_layers;
    json["split"] = p.split;
    json["cards"] = Json::array();
    for (const MemoryUse& use : p.cards) json["cards"].push_back(use_json(use));
    json["ram"] = use_json(p.ram);
    json["most_tokens_per_s"] = optional_json(p.most_tokens_per_second);
    json["most_tokens_per_s_at_full_context"] = optional_json(p.most_tokens_per_second_at_end);
    return json;
}

Json row_json(const FitAnswer& answer, const FitRow& row) {
    Json json = {{"file", row.file->name},
                 {"bytes", row.file->bytes},
                 {"tensors_guessed_by_size", row.file->scaled},
                 {"weight_bytes", row.file->parts.weights()},
                 {"key_value_bytes", row.context.keys_values},
                 {"recurrent_bytes", row.context.recurrent},
                 {"compute_bytes", row.context.compute},
                 {"output_bytes", row.context.output},
                 {"trained_context_tokens", answer.trained_context(row)},
                 {"largest_context_tokens", row.largest_context},
                 {"largest_context_anywhere_tokens", row.largest_anywhere},
                 {"kld_nats", optional_json(row.kld_nats)},
                 {"placement", placement_json(row.placement)}};
    if (row.placement.fit != Fit::kNowhere) json["start"] = start_commands(answer, row);
    return json;
}

}  // namespace

std::vector<std::string> start_commands(const FitAnswer& answer, const FitRow& row) {
    const FitWish& wish = answer.wish;
    const bool quantized = wish.key_type != "f16" || wish.value_type != "f16";
    std::string options = fmt::format(" -c {}", wish.tokens);
    options += placement_options(row.file->parts, row.placement);
    if (quantized) options += fmt::format(" -ctk {} -ctv {}", wish.key_type, wish.value_type);
    std::string llama = row.file->source + options;
    if (quantized) llama += " -fa on";
    if (wish.call_tokens != 512) llama += fmt::format(" -ub {}", wish.call_tokens);
    return {fmt::format("llama-server {} -np 1", llama), "llama-cli " + llama,
            fmt::format("bitgauge run {}{}", row.file->name_to_run, options)};
}

std::string misfit_text(const FitAnswer& answer) {
    if (answer.best) return "";
    const auto nearest = std::max_element(
        answer.rows.begin(), answer.rows.end(),
        [](const FitRow& a, const FitRow& b) { return a.largest_anywhere < b.largest_anywhere; });
    const std::string what = answer.rows.size() == 1 ? nearest->file->name : "none of the files";
    const std::string verb = answer.rows.size() == 1 ? " does not fit" : " fits";
    return fmt::format("{}{} with {} tokens on {}", what, verb, format_count(answer.wish.tokens),
                       answer.machine.name);
}

std::string fit_text(const FitAnswer& answer, Page::Form form) {
    Page page(form);
    if (answer.rows.size() == 1) {
        page.title(answer.rows.front().file->name);
        add_details(answer, answer.rows.front(), page);
        return page.text();
    }
    page.title(fmt::format("{} on {}, {} tokens", counted(answer.rows.size(), "file"),
                           answer.machine.name, format_count(answer.wish.tokens)));
    page.table(file_grid(answer));
    if (!answer.best) return page.text();
    const FitRow& best = answer.rows[*answer.best];
    page.heading("Take " + best.file->name);
    page.fact("because", reason_text(answer));
    page.fact("larger", larger_text(answer));
    add_details(answer, best, page);
    return page.text();
}

Json fit_json(const FitAnswer& answer) {
    Json json = {{"schema", "bitgauge.fit/1"},
                 {"machine", machine_json(answer.machine)},
                 {"context_tokens", answer.wish.tokens},
                 {"key_type", answer.wish.key_type},
                 {"value_type", answer.wish.value_type},
                 {"call_tokens", answer.wish.call_tokens},
                 {"header_bytes_fetched", answer.models.fetched_bytes},
                 {"files", Json::array()},
                 {"best", nullptr}};
    for (const FitRow& row : answer.rows) json["files"].push_back(row_json(answer, row));
    if (answer.best) json["best"] = answer.rows[*answer.best].file->name;
    if (answer.best) json["chosen_by"] = answer.by_divergence ? "divergence" : "size";
    return json;
}

}  // namespace bitgauge
