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

struct DecodedShare {
    uint64_t used = 1;
    uint64_t of = 1;

    uint64_t in(uint64_t all) const { return all / of * used; }
};

// Of experts those in use, of embeddings one row, else all.
DecodedShare decoded_share(const TensorInfo& tensor, uint64_t used_experts);

}  // namespace bitgauge
