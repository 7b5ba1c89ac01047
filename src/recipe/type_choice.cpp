#include "recipe/type_choice.h"

#include <cassert>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {

std::vector<std::string> type_names() {
    std::vector<std::string> names;
    for (const QType& type : all_types()) names.push_back(type.name);
    for (const QType& type : ik_only_types()) names.push_back(type.name);
    return names;
}

const QType& known_type(const std::string& name) {
    const QType* type = find_type(name);
    assert(type != nullptr);
    return *type;
}

const QType& fitting_type(const QType& wanted, const std::string& tensor,
                          const std::vector<uint64_t>& shape) {
    const uint64_t row = shape.empty() ? 0 : shape[0];
    if (row % wanted.block_weights == 0) return wanted;
    const QType* fallback = type_by_id(wanted.fallback_id);
    if (fallback == nullptr) {
        throw Error(ErrorKind::kInput,
                    fmt::format("{} has rows of {} weights, which {} cannot hold: it needs a "
                                "multiple of {}, and no other type stands in for it",
                                tensor, row, wanted.name, wanted.block_weights),
                    "let the recipe choose another type there");
    }
    return row % fallback->block_weights == 0 ? *fallback : known_type("f16");
}

uint64_t tensor_bytes(const QType& type, const std::vector<uint64_t>& shape) {
    uint64_t bytes = shape.empty() ? 0 : type.row_bytes(shape[0]);
    for (size_t i = 1; i < shape.size(); ++i) bytes *= shape[i];
    return bytes;
}

bool is_embedding_or_output(const std::string& tensor) {
    return tensor == "token_embd.weight" || tensor == "per_layer_token_embd.weight" ||
           tensor == "output.weight";
}

}  // namespace bitgauge
