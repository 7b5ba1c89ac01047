#include <algorithm>

#include "bitgauge/recipe.h"

#include "gguf/data.h"

namespace bitgauge {
namespace {

// Numbers of the architecture, or of layer 0 where there is one per layer.
class Figures {
  public:
    explicit Figures(const GgufFile& file) : file_(file), arrays_(file) {}

    // Damaged headers say anything: the number is brought into bounds.
    int64_t operator()(const char* name, int64_t otherwise = 0) const {
        constexpr int64_t kMost = 1'000'000;
        return std::clamp<int64_t>(find(name).value_or(otherwise), 0, kMost);
    }

  private:
    std::optional<int64_t> find(const char* name) const {
        const std::string key = file_.architecture() + "." + name;
        if (const auto number = file_.integer(key)) return number;
        const auto per_layer = arrays_.integers(key);
        if (!per_layer || per_layer->empty()) return std::nullopt;
        return per_layer->front();
    }

    const GgufFile& file_;
    GgufArrays arrays_;
};

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
int64_t experts(const std::string& architecture, int64_t n) {
    const bool hunyuan = architecture == "hunyuan-dense" || architecture == "hunyuan_vl";
    return hunyuan && n <= 1 ? 0 : n;
}

}  // namespace

ModelHeader model_header(const GgufFile& file) {
    const Figures figure(file);
    const int64_t heads = figure("attention.head_count");
    return {.architecture = file.architecture(),
            .layers = figure("block_count"),
            .prediction_layers = figure("nextn_predict_layers"),
            .heads = heads,
            .kv_heads = figure("attention.head_count_kv", heads),
            .experts = experts(file.architecture(), figure("expert_count")),
            .other_bytes = header_bytes(file),
            .tensors = file.tensors()};
}

}  // namespace bitgauge
