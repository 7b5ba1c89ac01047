#include <algorithm>
#include <numeric>

#include "bitgauge/importance.h"

namespace bitgauge {
namespace {

double effective_rows_of(const std::vector<int64_t>& rows) {
    double reached = 0;
    double reciprocals = 0;
    for (const int64_t count : rows) {
        if (count <= 0) continue;
        reached += 1;
        reciprocals += 1.0 / static_cast<double>(count);
    }
    return reached == 0 ? 0 : reached * reached / reciprocals;
}

ImportanceCoverage coverage_of(const ImportanceEntry& entry) {
    return {.tensor = entry.tensor,
            .rows = entry.counts,
            .all_rows = std::accumulate(entry.counts.begin(), entry.counts.end(), int64_t{0}),
            .effective_rows = effective_rows_of(entry.counts)};
}

void audit_tensor(const Importance& importance, const TensorInfo& tensor, ImportanceAudit& audit) {
    const ImportanceEntry* entry = importance.find(tensor.name);
    if (entry == nullptr) {
        audit.missing.push_back(tensor.name);
    } else if (entry->values != input_channels(tensor)) {
        audit.mismatched.push_back({tensor.name, entry->values, input_channels(tensor)});
    } else if (importance.is_gguf()) {
        audit.coverage.push_back(coverage_of(*entry));
        if (entry->unseen() == 0) return;
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

std::vector<RareExpert> rare_experts(const std::vector<ImportanceCoverage>& coverage,
                                     int64_t fewest) {
    std::vector<RareExpert> rare;
    for (const ImportanceCoverage& tensor : coverage) {
        if (tensor.rows.size() < 2) continue;
        const auto all = static_cast<double>(std::max<int64_t>(1, tensor.all_rows));
        for (size_t expert = 0; expert < tensor.rows.size(); ++expert) {
            const int64_t rows = tensor.rows[expert];
            if (rows >= fewest) continue;
            rare.push_back({tensor.tensor, expert, rows, static_cast<double>(rows) / all});
        }
    }
    return rare;
}

}  // namespace bitgauge
