#include <fmt/format.h>

#include "base/units.h"
#include "cli/inspection.h"
#include "cli/report_parts.h"
#include "report/escape.h"
#include "report/grid.h"

namespace bitgauge {
namespace {

std::string size_text(uint64_t bytes) {
    const auto size = static_cast<double>(bytes);
    return fmt::format("{:.4g} GiB ({:.4g} GB), {} bytes", size / kGiB, size / kGB,
                       format_count(bytes));
}

std::string rate_text(const GgufFile& file) {
    if (file.parameters() == 0) return "none: no tensors";
    const BitsPerWeight exact = bits_per_weight(file.tensor_bytes(), file.parameters());
    return fmt::format("{:.4f} ({}/{} exactly)", exact.value(), exact.bits, exact.weights);
}

std::string split_text(const GgufFile& file) {
    return file.shards().size() == 1 ? "no" : fmt::format("{} shards", file.shards().size());
}

std::string tokenizer_text(const GgufFile& file) {
    if (file.tokenizer_hash().empty()) return "none";
    const std::string pre = file.text("tokenizer.ggml.pre").value_or("none");
    return fmt::format("{} (pre-tokenizer {}), {} tokens, hash {}",
                       file.text("tokenizer.ggml.model").value_or("unnamed"), pre,
                       format_count(file.vocabulary()), file.tokenizer_hash());
}

std::string template_text(const GgufFile& file) {
    const auto chat_template = file.text("tokenizer.chat_template");
    return chat_template ? fmt::format("{} bytes", format_count(chat_template->size())) : "none";
}

// One row: the group's name, its types if `with_types`, and its sizes. A share needs bytes in all.
std::vector<std::string> group_row(const TensorGroup& group, bool with_types, uint64_t all_bytes) {
    std::vector<std::string> row = {group.name};
    if (with_types) row.push_back(types_text(group.types));
    const double share = static_cast<double>(group.bytes) / static_cast<double>(all_bytes);
    const double rate = bits_per_weight(group.bytes, group.parameters).value();
    for (const std::string& cell :
         {format_count(group.tensors), format_count(group.parameters), format_count(group.bytes),
          fmt::format("{:.2f}", 100 * share), fmt::format("{:.4f}", rate)}) {
        row.push_back(cell);
    }
    return row;
}

std::string provenance_text(const GgufFile& file) {
    std::string text;
    for (const KeyValue& key : provenance_of(file)) {
        std::string value = shortened(printable(key.value), 100);
        if (key.key == "general.file_type") {
            value += fmt::format(" ({})", file_type_name(file.integer(key.key).value_or(-1)));
        }
        text += fmt::format("  {} = {}\n", printable(key.key), value);
    }
    return text.empty() ? "" : "\nprovenance\n" + text;
}

}  // namespace

std::string group_table(const std::vector<TensorGroup>& groups, const char* kind, bool with_types,
                        uint64_t all_bytes) {
    Grid grid;
    grid.columns.push_back({kind, "", true, ""});
    if (with_types) grid.columns.push_back({"types", "", true, ""});
    for (const auto& [title, unit] :
         std::initializer_list<std::pair<const char*, const char*>>{{"tensors", ""},
                                                                    {"parameters", ""},
                                                                    {"size", "bytes"},
                                                                    {"share", "%"},
                                                                    {"rate", "bits/weight"}}) {
        grid.columns.push_back({title, unit, false, ""});
    }
    for (const TensorGroup& group : groups) {
        if (group.bytes > 0) grid.rows.push_back(group_row(group, with_types, all_bytes));
    }
    return text_of(grid);
}

std::string inspection_text(const GgufFile& file) {
    const ModelIdentity identity = identify_model(file, false);
    std::string text = printable(identity.file) + "\n";
    text += report_line("architecture",
                        identity.architecture.empty() ? "unnamed" : identity.architecture);
    text += report_line("name", identity.name);
    text += report_line("label", identity.label);
    text += report_line("publisher", identity.publisher);
    text += report_line("parameters", format_count(identity.parameters));
    text += report_line("size", size_text(identity.size_bytes));
    text += report_line("bits per weight", rate_text(file));
    text += report_line("tensors", fmt::format("{}, {} bytes", format_count(file.tensors().size()),
                                               format_count(file.tensor_bytes())));
    text += report_line("split", split_text(file));
    text += report_line("runs on", runs_on_text(ik_tensors(file)));
    text += report_line("tokenizer", tokenizer_text(file));
    text += report_line("chat template", template_text(file));
    if (!file.tensors().empty()) {
        text += "\n" + group_table(group_by_type(file), "type", false, file.tensor_bytes());
        text += "\n" + group_table(group_by_role(file), "role", true, file.tensor_bytes());
    }
    return text + provenance_text(file);
}

}  // namespace bitgauge
