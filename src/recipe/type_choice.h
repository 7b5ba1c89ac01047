#pragma once

// Types and the rows they can hold; private to this room.

#include <cstdint>
#include <string>
#include <vector>

#include "bitgauge/qtype.h"

namespace bitgauge {

// Of ggml's types, then of those that only ik_llama.cpp has.
std::vector<std::string> type_names();

// Requires a name that the table has.
const QType& known_type(const std::string& name);

// `wanted`, or where rows are no whole blocks of it llama.cpp's fallback: never fewer bits, f16 in
// the end. Throws Error(kInput) where there is none.
const QType& fitting_type(const QType& wanted, const std::string& tensor,
                          const std::vector<uint64_t>& shape);

// Requires rows of whole blocks.
uint64_t tensor_bytes(const QType& type, const std::vector<uint64_t>& shape);

// token_embd, per_layer_token_embd and output.
bool is_embedding_or_output(const std::string& tensor);

}  // namespace bitgauge
