#pragma once

// How much of one tensor is read for one token.

#include <cstdint>
#include <string>

#include "bitgauge/gguf.h"

namespace bitgauge {

// ggml's matrices of experts have the expert as their third dimension.
bool is_of_experts(const TensorInfo& tensor);
// Of tokens; a head is one as well where the model has no other.
bool is_embedding(const std::string& name);

// Of a tensor that has `bytes`: of experts the share in use, of embeddings one row.
uint64_t decoded_bytes(const TensorInfo& tensor, uint64_t bytes, uint64_t used_experts);

}  // namespace bitgauge
