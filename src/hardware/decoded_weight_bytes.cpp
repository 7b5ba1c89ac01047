#include <algorithm>

#include "bitgauge/hardware.h"
#include "bitgauge/qtype.h"

#include "hardware/decoded_tensor.h"
#include "hardware/kept_states.h"

namespace bitgauge {
namespace {

uint64_t bytes_in(const TensorInfo& tensor, const std::string& type_name) {
    const QType* type = find_type(type_name);
    return type == nullptr ? tensor.bytes
                           : tensor.elements() / tensor.shape[0] * type->row_bytes(tensor.shape[0]);
}

class Decoding {
  public:
    explicit Decoding(const GgufFile& model)
        : used_experts_(ArchitectureNumbers{model}.of("expert_used_count", 1)),
          has_head_(model.find_tensor("output.weight") != nullptr) {}

    DecodedShare share(const TensorInfo& tensor) const {
        const bool is_head = tensor.name == "token_embd.weight" && !has_head_;
        return is_head ? DecodedShare{} : decoded_share(tensor, used_experts_);
    }

  private:
    uint64_t used_experts_;
    bool has_head_;
};

}  // namespace

bool is_of_experts(const TensorInfo& tensor) {
    return tensor.shape.size() == 3 && tensor.name.find("_exps") != std::string::npos;
}

bool is_embedding(const std::string& name) {
    return name == "token_embd.weight" || name == "per_layer_token_embd.weight";
}

DecodedShare decoded_share(const TensorInfo& tensor, uint64_t used_experts) {
    if (is_embedding(tensor.name)) return {1, tensor.elements() / tensor.shape[0]};
    if (is_of_experts(tensor)) return {std::min(used_experts, tensor.shape[2]), tensor.shape[2]};
    return {};
}

uint64_t decoded_weight_bytes(const GgufFile& model,
                              const std::map<std::string, std::string>& types) {
    const Decoding decoding(model);
    uint64_t sum = 0;
    for (const TensorInfo& tensor : model.tensors()) {
        const auto changed = types.find(tensor.name);
        const uint64_t bytes =
            changed == types.end() ? tensor.bytes : bytes_in(tensor, changed->second);
        sum += decoding.share(tensor).in(bytes);
    }
    return sum;
}

std::map<std::string, uint64_t> decoded_weights(const GgufFile& model) {
    const Decoding decoding(model);
    std::map<std::string, uint64_t> weights;
    for (const TensorInfo& tensor : model.tensors()) {
        weights[tensor.name] = decoding.share(tensor).in(tensor.elements());
    }
    return weights;
}

}  // namespace bitgauge
