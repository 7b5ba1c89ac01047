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

// Damaged headers say anything.
int64_t small_figure(const GgufFile& file, const char* name, int64_t otherwise = 0) {
    constexpr int64_t kMost = 1'000'000;
    return std::clamp<int64_t>(figure(file, name).value_or(otherwise), 0, kMost);
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
    const int64_t n = small_figure(file, "expert_count");
    const std::string architecture = file.architecture();
    const bool hunyuan = architecture == "hunyuan-dense" || architecture == "hunyuan_vl";
    return hunyuan && n <= 1 ? 0 : n;
}

}  // namespace

ModelHeader model_header(const GgufFile& file) {
    const int64_t heads = small_figure(file, "attention.head_count");
    return {.architecture = file.architecture(),
            .layers = small_figure(file, "block_count"),
            .prediction_layers = small_figure(file, "nextn_predict_layers"),
            .heads = heads,
            .kv_heads = small_figure(file, "attention.head_count_kv", heads),
            .experts = experts(file),
            .other_bytes = header_bytes(file),
            .tensors = file.tensors()};
}

}  // namespace bitgauge
