#include "quantize/importance_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/units.h"

namespace bitgauge {
namespace {

constexpr int64_t kQ2KS = 21;         // general.file_type of Q2_K_S
constexpr size_t kFewStrangers = 10;  // one in so many: a layer that was left out, say
// The one tensor whose importance llama-quantize lets be of another size, and passes over.
constexpr const char* kTokenEmbedding = "token_embd.weight";

bool is_token_embedding(const std::string& name) {
    return name == "token_embd.weight" || name == "per_layer_token_embd.weight";
}

// llama-quantize's rule: matrices inside the layers.
bool is_useless_without(const QType& type, const std::string& tensor, int64_t file_type) {
    if (is_token_embedding(tensor) || tensor == "output.weight") return false;
    return type.needs_importance || (type.name == "q2_K" && file_type == kQ2KS);
}

std::vector<std::string> in_need(const std::vector<std::string>& missing, const TypeOfTensor& types,
                                 int64_t file_type) {
    std::vector<std::string> needy;
    for (const std::string& name : missing) {
        const QType& type = *type_by_id(types.at(name));
        if (type.encoder_needs_importance || is_useless_without(type, name, file_type)) {
            needy.push_back(name);
        }
    }
    return needy;
}

void require_where_needed(const std::vector<std::string>& missing, const TypeOfTensor& types,
                          const QuantizeJob& job) {
    const auto needy = in_need(missing, types, job.choices.file_type);
    if (needy.empty()) return;
    const std::string& type = type_by_id(types.at(needy.front()))->name;
    if (!job.importance) {
        throw Error(ErrorKind::kInput,
                    fmt::format("{} cannot be made without importance, and none was given: {}",
                                type, some_of(needy)),
                    "give an importance file with -i, or choose a type of more bits");
    }
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' says nothing about {}; {} cannot be made without importance",
                            job.importance->string(), some_of(needy), type),
                "measure importance on more text, or choose a type of more bits");
}

void require_same_model(const ImportanceAudit& audit, const Importance& importance,
                        const GgufFile& original) {
    if (audit.strangers.size() == importance.entries().size()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is of another model: none of its {} tensors is in '{}'",
                                importance.path().string(), importance.entries().size(),
                                original.shards().front().string()),
                    "give the importance file of this model");
    }
    if (audit.strangers.size() * kFewStrangers > importance.entries().size()) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' is of another model: {} of its {} tensors are not in '{}': {}",
                        importance.path().string(), audit.strangers.size(),
                        importance.entries().size(), original.shards().front().string(),
                        some_of(audit.strangers)),
            "give the importance file of this model");
    }
    const auto wrong = std::ranges::find_if(
        audit.mismatched, [](const auto& mismatch) { return mismatch.tensor != kTokenEmbedding; });
    if (wrong == audit.mismatched.end()) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' is of another model: it has {} values for '{}', expected {}",
                    importance.path().string(), wrong->values, wrong->tensor, wrong->channels),
        "give the importance file of this model");
}

// llama-imatrix never measures these two.
bool is_measured(const std::string& tensor) {
    return !is_token_embedding(tensor) && tensor != "output.weight";
}

void say_missing(const ImportanceAudit& audit, const QuantizeJob& job, Progress& progress) {
    if (audit.missing.empty()) return;
    const std::string message =
        fmt::format("'{}' says nothing about {} of the tensors to encode: {}",
                    job.importance->string(), audit.missing.size(), some_of(audit.missing));
    if (job.on_missing == MissingImportance::kAbort &&
        std::ranges::any_of(audit.missing, is_measured)) {
        throw Error(ErrorKind::kInput, message, "measure importance on more text");
    }
    progress.warn(message + "; they are encoded without importance");
    for (const std::string& name : audit.missing) progress.detail("without importance: " + name);
}

void say_strangers(const ImportanceAudit& audit, const QuantizeJob& job, Progress& progress) {
    if (audit.strangers.empty()) return;
    progress.warn(fmt::format("'{}' has importance for {} that the original has not: {}",
                              job.importance->string(), counted(audit.strangers.size(), "tensor"),
                              some_of(audit.strangers)));
}

void say_unseen(const ImportanceAudit& audit, const QuantizeJob& job, Progress& progress) {
    if (audit.unseen.empty()) return;
    std::vector<std::string> names;
    uint64_t experts = 0;
    for (const auto& unseen : audit.unseen) {
        names.push_back(unseen.tensor);
        experts += unseen.experts;
        progress.detail(fmt::format("no token reached {} of {} experts of {}", unseen.experts,
                                    unseen.of, unseen.tensor));
    }
    const bool dense =
        std::ranges::all_of(audit.unseen, [](const auto& one) { return one.of == 1; });
    const std::string what = dense ? "" : counted(experts, "expert") + " in ";
    const std::string message = fmt::format("no token reached {}{}", what, some_of(names));
    if (job.on_unseen == UnseenExperts::kAbort) {
        throw Error(ErrorKind::kInput, message, "measure importance on more text");
    }
    progress.warn(message + (job.on_unseen == UnseenExperts::kMean
                                 ? "; they get the mean over the other experts"
                                 : "; they are encoded without importance"));
}

}  // namespace

const ImportanceEntry* entry_for(const Importance* importance, const TensorInfo& tensor) {
    const ImportanceEntry* entry = importance == nullptr ? nullptr : importance->find(tensor.name);
    return entry != nullptr && entry->values == input_channels(tensor) ? entry : nullptr;
}

void check_importance(const GgufFile& original, const TypeOfTensor& types, const QuantizeJob& job,
                      const Importance* importance, const RoundedSources& rounded,
                      Progress& progress) {
    auto encoded = encoded_tensors(original, types);
    std::erase_if(encoded, [&](const std::string& name) { return rounded.contains(name); });
    if (importance == nullptr) return require_where_needed(encoded, types, job);
    ImportanceAudit audit = audit_importance(*importance, original, encoded);
    require_same_model(audit, *importance, original);
    for (const auto& passed_over : audit.mismatched) audit.missing.push_back(passed_over.tensor);
    say_strangers(audit, job, progress);
    require_where_needed(audit.missing, types, job);
    say_missing(audit, job, progress);
    say_unseen(audit, job, progress);
}

}  // namespace bitgauge
