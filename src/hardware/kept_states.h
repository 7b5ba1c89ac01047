#pragma once

// What a model's layers keep of the text they have read, from the header alone.
//
// A layer with attention keeps keys and values of every token, in 16 bits; a recurrent one (Mamba,
// gated delta nets, RWKV, short convolutions) keeps states of a fixed size, in single precision; a
// hybrid layer both. Which a layer is, its tensors say; of one that nobody knows attention is
// assumed, the larger of both. Bytes; pure, thread-safe.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/gguf.h"

namespace bitgauge {

// Numbers of the header under the architecture's name.
struct ArchitectureNumbers {
    const GgufFile& file;

    // `otherwise` where it is absent, not positive or an array.
    uint64_t of(std::string_view suffix, uint64_t otherwise) const {
        const auto value = file.integer(file.architecture() + "." + std::string(suffix));
        return value && *value > 0 ? static_cast<uint64_t>(*value) : otherwise;
    }
};

struct KeptStates {
    uint64_t per_token = 0;
    uint64_t per_sequence = 0;
};

// Of each layer, and of all together.
std::vector<KeptStates> kept_by_layer(const GgufFile& model);
KeptStates kept_states(const GgufFile& model);

}  // namespace bitgauge
