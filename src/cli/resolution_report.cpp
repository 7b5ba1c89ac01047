#include "cli/resolution_report.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/nearest_name.h"
#include "base/units.h"
#include "cli/inspection.h"
#include "cli/report_parts.h"
#include "report/escape.h"
#include "report/grid.h"

#include "recipe/matcher.h"

namespace bitgauge {
namespace {

std::string rate_text(uint64_t bytes, uint64_t weights) {
    return weights == 0
               ? "no weights"
               : fmt::format("{:.4f} bits/weight", bits_per_weight(bytes, weights).value());
}

std::vector<TensorGroup> by_role(const Resolution& resolution) {
    std::map<std::string, TensorGroup> groups;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        TensorGroup& group = groups[tensor.role];
        group.name = tensor.role;
        group.tensors += 1;
        group.parameters += tensor.weights;
        group.bytes += tensor.bytes;
        group.types[tensor.type] += 1;
    }
    std::vector<TensorGroup> sorted;
    sorted.reserve(groups.size());
    for (auto& [name, group] : groups) sorted.push_back(std::move(group));
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    return sorted;
}

// "Q4_K_M: set ffn_down, layer more bits: q6_K", or "never quantized: dimensions < 2".
std::string rule_of(const ResolvedTensor& tensor) {
    if (tensor.recipe.empty()) return "never quantized";
    return fmt::format("{}: {}", tensor.recipe, tensor.rule);
}

std::string rule_table(const Resolution& resolution) {
    std::vector<std::string> order;
    std::map<std::string, std::pair<uint64_t, uint64_t>> sums;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        const std::string rule = rule_of(tensor);
        if (!sums.contains(rule)) order.push_back(rule);
        sums[rule].first += 1;
        sums[rule].second += tensor.bytes;
    }
    std::stable_sort(order.begin(), order.end(), [&sums](const auto& a, const auto& b) {
        return sums[a].second > sums[b].second;
    });
    Grid grid;
    grid.columns = {
        {"rule", "", true, ""}, {"tensors", "", false, ""}, {"size", "bytes", false, ""}};
    for (const std::string& rule : order) {
        grid.rows.push_back({shortened(printable(rule), 90), format_count(sums[rule].first),
                             format_count(sums[rule].second)});
    }
    return text_of(grid);
}

std::string fallback_reason(const ResolvedTensor& tensor) {
    return fmt::format("rows of {} weights are no multiple of {}", tensor.shape.at(0),
                       find_type(tensor.wanted)->block_weights);
}

// One line per kind: "q4_K -> q5_0   36 tensors, rows of 2880 weights ..."
std::string fallback_text(const Resolution& resolution) {
    std::map<std::string, uint64_t> kinds;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (!tensor.fell_back()) continue;
        ++kinds[fmt::format("{} -> {}: {}", tensor.wanted, tensor.type, fallback_reason(tensor))];
    }
    std::string text;
    for (const auto& [kind, tensors] : kinds) {
        text += fmt::format("  {} ({})\n", kind, counted(tensors, "tensor"));
    }
    return text.empty() ? "" : "\nanother type than the recipe says\n" + text;
}

std::string importance_text(const Resolution& resolution) {
    const auto needy = std::count_if(resolution.tensors.begin(), resolution.tensors.end(),
                                     [](const auto& tensor) { return tensor.needs_importance; });
    std::string text = resolution.importance ? "given" : "none";
    if (needy > 0) {
        text += fmt::format("; needed by {}", counted(static_cast<uint64_t>(needy), "tensor"));
    }
    return text;
}

std::string shape_text(const ResolvedTensor& tensor) {
    return fmt::format("{}", fmt::join(tensor.shape, " x "));
}

std::string paragraph(const ResolvedTensor& tensor) {
    std::string text = printable(tensor.name) + "\n";
    text += report_line("role", tensor.role);
    text += report_line("shape", shape_text(tensor));
    text += report_line("was", tensor.original);
    text += report_line("becomes",
                        fmt::format("{}, {} bytes, {}", tensor.type, format_count(tensor.bytes),
                                    rate_text(tensor.bytes, tensor.weights)));
    text += report_line("recipe", tensor.recipe.empty() ? "never quantized" : tensor.recipe);
    text +=
        report_line("rule", tensor.line > 0 ? fmt::format("{} (line {})", tensor.rule, tensor.line)
                                            : tensor.rule);
    text += report_line("why", tensor.why);
    if (tensor.fell_back()) {
        text += report_line("instead of",
                            fmt::format("{}: {}", tensor.wanted, fallback_reason(tensor)));
    }
    if (tensor.needs_importance) text += report_line("importance", "needed");
    return text;
}

std::vector<const ResolvedTensor*> matching(const Resolution& resolution,
                                            const std::string& pattern) {
    std::vector<const ResolvedTensor*> found;
    std::vector<std::string> names;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        names.push_back(tensor.name);
        if (pattern.empty() || matches_pattern(pattern, tensor.name)) found.push_back(&tensor);
    }
    if (!found.empty() || pattern.empty()) return found;
    const std::string best = suggest(pattern, names);
    throw Error(ErrorKind::kInput, fmt::format("no tensor of the model is named '{}'", pattern),
                best.empty() ? "" : fmt::format("did you mean '{}'?", best));
}

Json tensor_json(const ResolvedTensor& tensor) {
    return {{"name", tensor.name},
            {"role", tensor.role},
            {"shape", tensor.shape},
            {"original", tensor.original},
            {"wanted", tensor.wanted},
            {"type", tensor.type},
            {"kept", tensor.kept},
            {"fell_back", tensor.fell_back()},
            {"needs_importance", tensor.needs_importance},
            {"weights", tensor.weights},
            {"bytes", tensor.bytes},
            {"recipe", tensor.recipe},
            {"rule", tensor.rule},
            {"line", tensor.line},
            {"why", tensor.why}};
}

}  // namespace

std::string resolution_text(const Resolution& resolution, const Recipe& recipe) {
    std::string text = printable(recipe.name) + "\n";
    text += report_line("about", recipe.about);
    text += report_line("source", recipe.source);
    text += report_line("confidence", recipe.confidence);
    text += report_line("importance", importance_text(resolution));
    text += report_line("size", fmt::format("{}, {} bytes", format_bytes(resolution.file_bytes),
                                            format_count(resolution.file_bytes)));
    text += report_line("tensors",
                        fmt::format("{}, {} bytes, {}", format_count(resolution.tensors.size()),
                                    format_count(resolution.tensor_bytes),
                                    rate_text(resolution.tensor_bytes, resolution.weights)));
    text += report_line("runs on", runs_on_text(ik_tensors(resolution)));
    if (resolution.tensor_bytes > 0) {
        text += "\n" + group_table(by_role(resolution), "role", true, resolution.tensor_bytes);
    }
    return text + "\n" + rule_table(resolution) + fallback_text(resolution);
}

void warn_of_fallbacks(const Resolution& resolution, Progress& progress) {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> tensors;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (tensor.fell_back()) tensors[{tensor.wanted, tensor.type}].push_back(tensor.name);
    }
    for (const auto& [types, names] : tensors) {
        progress.warn(fmt::format("{} instead of {} for {}: their rows are no whole blocks of it",
                                  types.second, types.first, some_of(names)));
    }
}

std::string tensor_explanation(const Resolution& resolution, const std::string& pattern) {
    std::string text;
    for (const ResolvedTensor* tensor : matching(resolution, pattern)) {
        text += (text.empty() ? "" : "\n") + paragraph(*tensor);
    }
    return text;
}

Json resolution_json(const Resolution& resolution, const Recipe& recipe,
                     const std::string& pattern) {
    Json tensors = Json::array();
    for (const ResolvedTensor* tensor : matching(resolution, pattern)) {
        tensors.push_back(tensor_json(*tensor));
    }
    return {{"schema", "bitgauge.recipe-explain/1"},
            {"recipe", recipe.name},
            {"about", recipe.about},
            {"source", recipe.source},
            {"confidence", recipe.confidence},
            {"importance", resolution.importance},
            {"tensor_bytes", resolution.tensor_bytes},
            {"file_bytes", resolution.file_bytes},
            {"weights", resolution.weights},
            {"ik_only_tensors", ik_tensors(resolution)},
            {"notes", resolution.notes},
            {"tensors", tensors}};
}

}  // namespace bitgauge
