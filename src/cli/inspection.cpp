#include "cli/inspection.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "base/units.h"
#include "cli/report_parts.h"

namespace bitgauge {
namespace {

// Keys that begin so, in the order of the file.
constexpr std::array kProvenance = {
    "general.quantized_by",
    "quantize.imatrix.",
    "general.source.",
    "general.base_model.",
    "general.repo_url",
    "general.url",
    "general.file_type",
    "general.author",
    "general.organization",
    "general.finetune",
    "general.version",
    "general.license",
    "general.size_label",
    "general.quantization_version",
    "bitgauge.",
};

std::vector<TensorGroup> group(const GgufFile& file,
                               const std::function<std::string(const TensorInfo&)>& name_of) {
    std::map<std::string, TensorGroup> groups;
    for (const TensorInfo& tensor : file.tensors()) {
        const std::string name = name_of(tensor);
        TensorGroup& one = groups[name];
        one.name = name;
        one.tensors += 1;
        one.parameters += tensor.elements();
        one.bytes += tensor.bytes;
        one.types[tensor.type] += 1;
    }
    std::vector<TensorGroup> sorted;
    sorted.reserve(groups.size());
    for (const auto& [name, one] : groups) sorted.push_back(one);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    return sorted;
}

double ratio(uint64_t part, uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

Json group_json(const TensorGroup& one, const char* kind, uint64_t all_bytes) {
    return {{kind, one.name},
            {"tensors", one.tensors},
            {"types", one.types},
            {"parameters", one.parameters},
            {"bytes", one.bytes},
            {"share_of_bytes", ratio(one.bytes, all_bytes)},
            {"bits_per_weight", 8 * ratio(one.bytes, one.parameters)}};
}

Json groups_json(const std::vector<TensorGroup>& groups, const char* kind, uint64_t all_bytes) {
    Json all = Json::array();
    for (const TensorGroup& one : groups) all.push_back(group_json(one, kind, all_bytes));
    return all;
}

Json tokenizer_json(const GgufFile& file) {
    if (file.tokenizer_hash().empty()) return nullptr;
    return {{"model", text_or_null(file.text("tokenizer.ggml.model"))},
            {"pre", text_or_null(file.text("tokenizer.ggml.pre"))},
            {"vocabulary", file.vocabulary()},
            {"hash", file.tokenizer_hash()}};
}

Json bits_per_weight_json(const GgufFile& file) {
    if (file.parameters() == 0) return nullptr;
    const BitsPerWeight exact = bits_per_weight(file.tensor_bytes(), file.parameters());
    return {{"value", exact.value()}, {"bits", exact.bits}, {"weights", exact.weights}};
}

}  // namespace

std::vector<TensorGroup> group_by_role(const GgufFile& file) {
    return group(file, [](const TensorInfo& tensor) { return tensor_role(tensor.name); });
}

std::vector<TensorGroup> group_by_type(const GgufFile& file) {
    return group(file, [](const TensorInfo& tensor) { return tensor.type; });
}

std::vector<KeyValue> provenance_of(const GgufFile& file) {
    std::vector<KeyValue> found;
    for (const KeyValue& key : file.keys()) {
        const bool told =
            std::any_of(kProvenance.begin(), kProvenance.end(),
                        [&key](const char* prefix) { return key.key.starts_with(prefix); });
        if (told) found.push_back(key);
    }
    return found;
}

Json inspection_json(const GgufFile& file) {
    const ModelIdentity identity = identify_model(file, false);
    Json shards = Json::array();
    for (const auto& shard : file.shards()) shards.push_back(shard.filename().string());
    Json provenance = Json::object();
    for (const KeyValue& key : provenance_of(file)) provenance[key.key] = key.value;
    const auto chat_template = file.text("tokenizer.chat_template");
    return {{"file", identity.file},
            {"shards", shards},
            {"gguf_version", file.version()},
            {"architecture", identity.architecture},
            {"name", identity.name},
            {"label", identity.label},
            {"publisher", identity.publisher},
            {"parameters", identity.parameters},
            {"size_bytes", identity.size_bytes},
            {"tensor_bytes", file.tensor_bytes()},
            {"tensors", file.tensors().size()},
            {"ik_only_tensors", ik_tensors(file)},
            {"bits_per_weight", bits_per_weight_json(file)},
            {"by_type", groups_json(group_by_type(file), "type", file.tensor_bytes())},
            {"by_role", groups_json(group_by_role(file), "role", file.tensor_bytes())},
            {"tokenizer", tokenizer_json(file)},
            {"chat_template_bytes", chat_template ? Json(chat_template->size()) : Json(nullptr)},
            {"shape_hash", file.shape_hash()},
            {"provenance", provenance}};
}

}  // namespace bitgauge
