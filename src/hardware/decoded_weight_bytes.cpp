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

}  // namespace

bool is_of_experts(const TensorInfo& tensor) {
    return tensor.shape.size() == 3 && tensor.name.find("_exps") != std::string::npos;
}

bool is_embedding(const std::string& name) {
    return name == "token_embd.weight" || name == "per_layer_token_embd.weight";
}

uint64_t decoded_bytes(const TensorInfo& tensor, uint64_t bytes, uint64_t used_experts) {
    if (is_embedding(tensor.name)) return bytes / (tensor.elements() / tensor.shape[0]);
    if (!is_of_experts(tensor)) return bytes;
    return bytes / tensor.shape[2] * std::min(used_experts, tensor.shape[2]);
}

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
        sum += is_head ? bytes : decoded_bytes(tensor, bytes, used);
    }
    return sum;
}

}  // namespace bitgauge
