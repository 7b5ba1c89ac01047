#include "quantize/choice_check.h"

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

namespace bitgauge {
namespace {

constexpr const char* kFullOriginal = "give the unquantized original, or allow requantizing";

[[noreturn]] void refuse(const TensorInfo& tensor, const std::string& why,
                         const std::string& hint) {
    throw Error(ErrorKind::kInput, fmt::format("tensor '{}' {}", tensor.name, why), hint);
}

const QType& require_encodable(const TensorInfo& tensor, int type_id) {
    const QType* type = type_by_id(type_id);
    if (type == nullptr) {
        refuse(tensor, fmt::format("cannot become type {}, which ggml has not", type_id),
               "choose another type");
    }
    if (type->ik_only) {
        refuse(tensor, fmt::format("cannot become {}, a type of ik_llama.cpp alone", type->name),
               "choose another type, or quantize with ik_llama.cpp");
    }
    if (!type->encodable) {
        refuse(tensor, fmt::format("cannot become {}: no weights are stored in it", type->name),
               "choose another type");
    }
    return *type;
}

void require_whole_blocks(const TensorInfo& tensor, const QType& type) {
    if (tensor.shape[0] % type.block_weights == 0) return;
    refuse(tensor,
           fmt::format("cannot become {}: its rows of {} weights are no whole blocks of {}",
                       type.name, tensor.shape[0], type.block_weights),
           "choose a type of smaller blocks for it");
}

void require_source_of_enough_bits(const TensorInfo& tensor, const QType& to) {
    const QType& from = *type_by_id(tensor.type_id);
    if (!from.decodable) {
        refuse(tensor, fmt::format("is of type {}, which cannot be decoded", from.name),
               "leave it as it is");
    }
    if (!from.quantized) return;
    const bool fewer_bits = to.bits_per_weight() < from.bits_per_weight();
    if (fewer_bits && from.name == "q8_0") return;
    if (fewer_bits) {
        refuse(
            tensor,
            fmt::format("is quantized already: {} cannot be made well from {}", to.name, from.name),
            kFullOriginal);
    }
    refuse(tensor,
           fmt::format("has only {:.4g} bits per weight in the original ({}), {} asks for {:.4g}",
                       from.bits_per_weight(), from.name, to.name, to.bits_per_weight()),
           kFullOriginal);
}

void check_choice(const TensorInfo& tensor, int type_id, bool allow_requantize) {
    if (type_id == tensor.type_id) return;
    const QType& type = require_encodable(tensor, type_id);
    require_whole_blocks(tensor, type);
    if (!allow_requantize) require_source_of_enough_bits(tensor, type);
}

TypeOfTensor by_name(const GgufFile& original, const TypeChoices& choices) {
    TypeOfTensor types;
    for (const TensorChoice& choice : choices.tensors) {
        if (original.find_tensor(choice.name) == nullptr) {
            throw Error(ErrorKind::kInput,
                        fmt::format("'{}' has no tensor '{}', for which a type was chosen",
                                    original.shards().front().string(), choice.name),
                        "are the types those of another model?");
        }
        if (!types.emplace(choice.name, choice.type_id).second) {
            throw Error(ErrorKind::kInput,
                        fmt::format("two types were chosen for tensor '{}'", choice.name));
        }
    }
    return types;
}

}  // namespace

TypeOfTensor check_choices(const GgufFile& original, const QuantizeJob& job) {
    TypeOfTensor types = by_name(original, job.choices);
    for (const TensorInfo& tensor : original.tensors()) {
        const auto chosen = types.find(tensor.name);
        if (chosen == types.end()) {
            refuse(tensor, "has no type chosen", "are the types those of another model?");
        }
        check_choice(tensor, chosen->second, job.allow_requantize);
    }
    return types;
}

std::vector<std::string> encoded_tensors(const GgufFile& original, const TypeOfTensor& types) {
    std::vector<std::string> names;
    for (const TensorInfo& tensor : original.tensors()) {
        if (types.at(tensor.name) != tensor.type_id) names.push_back(tensor.name);
    }
    return names;
}

}  // namespace bitgauge
