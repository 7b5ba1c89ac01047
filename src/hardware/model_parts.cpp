#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "bitgauge/placement.h"

#include "hardware/decoded_tensor.h"
#include "hardware/kept_states.h"

namespace bitgauge {
namespace {

constexpr uint64_t kMostLayers = 100'000;
constexpr uint64_t kNoLayer = UINT64_MAX;

// "blk.12.attn_q.weight" -> 12.
uint64_t layer_of(std::string_view name) {
    if (!name.starts_with("blk.")) return kNoLayer;
    uint64_t layer = kNoLayer;
    std::from_chars(name.data() + 4, name.data() + name.size(), layer);
    return layer;
}

// What llama.cpp keeps beside the embedding: it looks rows up and multiplies nothing.
bool is_of_input(const std::string& name) {
    return is_embedding(name) || name.starts_with("token_embd_norm") ||
           name.starts_with("position_embd") || name.starts_with("token_types");
}

uint64_t all_layers(const GgufFile& file) {
    return std::min(ArchitectureNumbers{file}.of("block_count", 1), kMostLayers);
}

uint32_t skipped_layers(const GgufFile& file) {
    const uint64_t skipped = ArchitectureNumbers{file}.of("nextn_predict_layers", 0);
    return static_cast<uint32_t>(std::min(skipped, all_layers(file)));
}

uint64_t evaluated_layers(const GgufFile& file) {
    return all_layers(file) - skipped_layers(file);
}

PartBytes times(const PartBytes& part, double factor) {
    const auto scale = [factor](uint64_t bytes) {
        return static_cast<uint64_t>(std::llround(static_cast<double>(bytes) * factor));
    };
    return {scale(part.weights), scale(part.read_per_token)};
}

}  // namespace

PartBytes& PartBytes::operator+=(const PartBytes& other) {
    weights += other.weights;
    read_per_token += other.read_per_token;
    return *this;
}

uint64_t ModelParts::weights() const {
    uint64_t sum = embedding.weights + output.weights - tied_bytes;
    for (const LayerParts& layer : layers) sum += layer.shared.weights + layer.experts.weights;
    return sum;
}

bool ModelParts::has_experts() const {
    return std::any_of(layers.begin(), layers.end(),
                       [](const LayerParts& layer) { return layer.experts.weights > 0; });
}

ModelParts model_parts(const GgufFile& file) {
    const uint64_t used = ArchitectureNumbers{file}.of("expert_used_count", 1);
    ModelParts parts{.layers = std::vector<LayerParts>(evaluated_layers(file)),
                     .skipped_layers = skipped_layers(file)};
    for (const TensorInfo& tensor : file.tensors()) {
        const PartBytes part{tensor.bytes, decoded_share(tensor, used).in(tensor.bytes)};
        const uint64_t layer = layer_of(tensor.name);
        if (layer == kNoLayer) {
            (is_of_input(tensor.name) ? parts.embedding : parts.output) += part;
        } else if (layer < parts.layers.size()) {
            LayerParts& to = parts.layers[layer];
            (is_of_experts(tensor) ? to.experts : to.shared) += part;
            parts.largest_matrix = std::max(parts.largest_matrix, tensor.bytes);
        }
    }
    const TensorInfo* embedding = file.find_tensor("token_embd.weight");
    if (embedding != nullptr && file.find_tensor("output.weight") == nullptr) {
        parts.tied_bytes = embedding->bytes;
        parts.output += {embedding->bytes, embedding->bytes};
    }
    const auto kept = kept_by_layer(file);
    for (size_t i = 0; i < std::min(kept.size(), parts.layers.size()); ++i) {
        parts.layers[i].kept_per_token = kept[i].per_token;
        parts.layers[i].kept_per_sequence = kept[i].per_sequence;
    }
    return parts;
}

ModelParts scaled(const ModelParts& parts, double factor) {
    ModelParts other = parts;
    other.embedding = times(parts.embedding, factor);
    other.output = times(parts.output, factor);
    other.tied_bytes = times({parts.tied_bytes, 0}, factor).weights;
    other.largest_matrix = times({parts.largest_matrix, 0}, factor).weights;
    for (LayerParts& layer : other.layers) {
        layer.shared = times(layer.shared, factor);
        layer.experts = times(layer.experts, factor);
    }
    return other;
}

}  // namespace bitgauge
