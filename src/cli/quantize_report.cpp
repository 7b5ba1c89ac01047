#include "cli/quantize_report.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/report_parts.h"
#include "report/grid.h"

namespace bitgauge {
namespace {

double rate_of(uint64_t bytes, uint64_t weights) {
    return weights == 0 ? 0 : bits_per_weight(bytes, weights).value();
}

std::string file_name(const FileSize& file) {
    return file.path.string();
}

std::string files_text(const std::vector<FileSize>& files) {
    if (files.size() == 1) return file_name(files.front());
    return fmt::format("{} to {}", file_name(files.front()), file_name(files.back()));
}

Json files_json(const std::vector<FileSize>& files) {
    Json all = Json::array();
    for (const FileSize& file : files) {
        all.push_back({{"path", file_name(file)}, {"bytes", file.bytes}});
    }
    return all;
}

Json roles_json(const std::map<std::string, RoleSize>& roles) {
    Json all = Json::array();
    for (const auto& [name, role] : roles) {
        all.push_back({{"role", name},
                       {"types", role.type_tensors},
                       {"tensors", role.tensors},
                       {"weights", role.weights},
                       {"original_bytes", role.original_bytes},
                       {"bytes", role.bytes}});
    }
    return all;
}

}  // namespace

std::string outcome_text(const QuantizeOutcome& outcome, const std::string& recipe) {
    std::string text = fmt::format("wrote {} ({}, {})\n", files_text(outcome.files), recipe,
                                   format_bytes(outcome.bytes));
    if (outcome.resumed > 0) {
        text += fmt::format("{} of {} tensors were there from the run before\n", outcome.resumed,
                            outcome.tensors);
    }
    return text;
}

std::string preview_text(const QuantizePreview& preview, const std::string& recipe) {
    Grid grid{{{"role", "", true, ""},
               {"types", "", true, ""},
               {"tensors", "", false, ""},
               {"rate", "bits/weight", false, ""},
               {"size", "bytes", false, ""}},
              {}};
    for (const auto& [name, role] : preview.roles) {
        grid.rows.push_back({name, types_text(role.type_tensors), format_count(role.tensors),
                             fmt::format("{:.4f}", rate_of(role.bytes, role.weights)),
                             format_count(role.bytes)});
    }
    std::string text = text_of(grid) + "\n";
    text += fmt::format("{}: {:.4f} bits per weight, {} bytes ({})\n", recipe,
                        rate_of(preview.tensor_bytes, preview.weights), format_count(preview.bytes),
                        format_bytes(preview.bytes));
    if (preview.files.size() == 1) return text;
    for (const FileSize& file : preview.files) {
        text += fmt::format("  {}  {} bytes\n", file_name(file), format_count(file.bytes));
    }
    return text;
}

Json outcome_json(const QuantizeOutcome& outcome, const std::string& recipe) {
    return {{"schema", "bitgauge.quantize/1"},    {"recipe", recipe},
            {"files", files_json(outcome.files)}, {"bytes", outcome.bytes},
            {"tensors", outcome.tensors},         {"resumed_tensors", outcome.resumed},
            {"kept_tensors", outcome.kept}};
}

Json preview_json(const QuantizePreview& preview, const std::string& recipe) {
    return {{"schema", "bitgauge.quantize_preview/1"}, {"recipe", recipe},
            {"files", files_json(preview.files)},      {"bytes", preview.bytes},
            {"tensor_bytes", preview.tensor_bytes},    {"weights", preview.weights},
            {"roles", roles_json(preview.roles)}};
}

}  // namespace bitgauge
