#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/qtype.h"

#include "base/units.h"
#include "engine/llama_log.h"
#include "engine/model_state.h"

#include <ggml-backend.h>

namespace bitgauge {
namespace {

// llama.cpp's own pattern (LLM_FFN_EXPS_REGEX).
std::string experts_of(uint32_t layer) {
    return fmt::format("blk\\.{}\\.ffn_(up|down|gate|gate_up)_(ch|)exps", layer);
}

std::vector<float> shares(const std::vector<uint32_t>& layers) {
    if (layers.empty()) return {};
    std::vector<float> shares(std::max<size_t>(llama_max_devices(), 1), 0);
    if (layers.size() > shares.size()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("layers are split over {}, and libllama knows {}",
                                counted(layers.size(), "accelerator"), shares.size()),
                    "give --tensor-split fewer numbers");
    }
    std::copy(layers.begin(), layers.end(), shares.begin());
    return shares;
}

}  // namespace

WeightPlaces::WeightPlaces(const EngineOptions& options)
    : gpu_layers_(options.gpu_layers), split_(shares(options.tensor_split)) {
    for (uint32_t layer = 0; layer < options.cpu_expert_layers; ++layer) {
        patterns_.push_back(experts_of(layer));
    }
    if (patterns_.empty()) return;
    start_libllama();
    for (const std::string& pattern : patterns_) {
        overrides_.push_back({pattern.c_str(), ggml_backend_cpu_buffer_type()});
    }
    overrides_.push_back({nullptr, nullptr});
}

void WeightPlaces::set(llama_model_params& params) const {
    params.n_gpu_layers = gpu_layers_;
    if (!overrides_.empty()) params.tensor_buft_overrides = overrides_.data();
    if (!split_.empty()) params.tensor_split = split_.data();
}

int kept_type(const std::string& name) {
    const QType* type = find_type(name);
    if (type != nullptr) return type->id;
    throw Error(ErrorKind::kInput, fmt::format("'{}' is no type of keys and values", name),
                "for example f16 or q8_0");
}

}  // namespace bitgauge
