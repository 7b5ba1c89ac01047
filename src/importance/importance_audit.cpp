#include "bitgauge/importance.h"

namespace bitgauge {
namespace {

// Row length times matrices: what an importance file has one value for.
uint64_t input_channels(const TensorInfo& tensor) {
    return tensor.shape[0] * (tensor.shape.size() > 2 ? tensor.shape[2] : 1);
}

void audit_tensor(const Importance& importance, const TensorInfo& tensor, ImportanceAudit& audit) {
    const ImportanceEntry* entry = importance.find(tensor.name);
    if (entry == nullptr) {
        audit.missing.push_back(tensor.name);
    } else if (entry->values != input_channels(tensor)) {
        audit.mismatched.push_back({tensor.name, entry->values, input_channels(tensor)});
    } else if (importance.is_gguf() && entry->unseen() > 0) {
        audit.unseen.push_back({tensor.name, entry->unseen(), entry->counts.size()});
    }
}

}  // namespace

ImportanceAudit audit_importance(const Importance& importance, const GgufFile& model,
                                 const std::vector<std::string>& tensors) {
    ImportanceAudit audit;
    for (const std::string& name : tensors) {
        const TensorInfo* tensor = model.find_tensor(name);
        if (tensor != nullptr) audit_tensor(importance, *tensor, audit);
    }
    for (const ImportanceEntry& entry : importance.entries()) {
        if (model.find_tensor(entry.tensor) == nullptr) audit.strangers.push_back(entry.tensor);
    }
    return audit;
}

}  // namespace bitgauge
