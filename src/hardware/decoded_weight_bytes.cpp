#include <algorithm>

#include "bitgauge/hardware.h"
#include "bitgauge/qtype.h"

#include "hardware/kept_states.h"

namespace bitgauge {
namespace {

// ggml's matrices of experts have the expert as their third dimension.
bool is_of_experts(const TensorInfo& tensor) {
    return tensor.shape.size() == 3 && tensor.name.find("_exps") != std::string::npos;
}

bool is_embedding(const std::string& name) {
    return name == "token_embd.weight" || name == "per_layer_token_embd.weight";
}

uint64_t bytes_in(const TensorInfo& tensor, const std::string& type_name) {
    const QType* type = find_type(type_name);
    return type == nullptr ? tensor.bytes
                           : tensor.elements() / tensor.shape[0] * type->row_bytes(tensor.shape[0]);
}

}  // namespace

uint64_t decoded_weight_bytes(const GgufFile& model,
                              const std::map<std::string, std::string>& types) {
    const uint64_t used = ArchitectureNumbers{model}.of("expert_used_count", 1);
    const bool has_head = model.find_tensor("output.weight") != nullptr;
    uint64_t sum = 0;
    for (const TensorInfo& tensor : model.tensors()) {
        const auto changed = types.find(tensor.name);
        const uint64_t bytes =
            changed == types.end() ? tensor.bytes : bytes_in(tensor, changed->second);
        const bool is_head = tensor.name == "token_embd.weight" && !has_head;
        if (is_embedding(tensor.name) && !is_head) {
            sum += bytes / (tensor.elements() / tensor.shape[0]);
        } else if (is_of_experts(tensor)) {
            sum += bytes / tensor.shape[2] * std::min(used, tensor.shape[2]);
        } else {
            sum += bytes;
        }
    }
    return sum;
}

}  // namespace bitgauge
