#include <algorithm>

#include "bitgauge/recipe.h"

#include "gguf/data.h"

namespace bitgauge {
namespace {

// A number of the architecture, or of layer 0 where it is one per layer.
std::optional<int64_t> figure(const GgufFile& file, const std::string& name) {
    const std::string key = file.architecture() + "." + name;
    if (const auto number = file.integer(key)) return number;
    const auto per_layer = read_integers(file, key);
    if (!per_layer || per_layer->empty()) return std::nullopt;
    return per_layer->front();
}

// All that lies before the data, in every shard.
uint64_t header_bytes(const GgufFile& file) {
    std::vector<uint64_t> data_begins(file.shards().size(), UINT64_MAX);
    for (const TensorInfo& tensor : file.tensors()) {
        data_begins[tensor.shard] = std::min(data_begins[tensor.shard], tensor.offset);
    }
    uint64_t sum = 0;
    for (const uint64_t begin : data_begins) sum += begin == UINT64_MAX ? 0 : begin;
    return sum;
}

// llama.cpp's load_hparams(): a HunYuan of one expert is a dense model.
int64_t experts(const GgufFile& file) {
    const int64_t n = figure(file, "expert_count").value_or(0);
    const std::string architecture = file.architecture();
    const bool hunyuan = architecture == "hunyuan-dense" || architecture == "hunyuan_vl";
    return hunyuan && n <= 1 ? 0 : n;
}

}  // namespace

ModelHeader model_header(const GgufFile& file) {
    const int64_t heads = figure(file, "attention.head_count").value_or(0);
    return {.architecture = file.architecture(),
            .layers = figure(file, "block_count").value_or(0),
            .prediction_layers = figure(file, "nextn_predict_layers").value_or(0),
            .heads = heads,
            .kv_heads = figure(file, "attention.head_count_kv").value_or(heads),
            .experts = experts(file),
            .other_bytes = header_bytes(file),
            .tensors = file.tensors()};
}

}  // namespace bitgauge
