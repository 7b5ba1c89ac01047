#include "bitgauge/importance.h"

namespace bitgauge {
namespace {

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

uint64_t input_channels(const TensorInfo& tensor) {
    uint64_t channels = tensor.shape[0];
    for (size_t i = 2; i < tensor.shape.size(); ++i) channels *= tensor.shape[i];
    return channels;
}

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
