#pragma once

// How many tokens a conversation may have: as many as were asked for, or as there is memory for.

#include <cstdint>
#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/hardware.h"

namespace bitgauge {

struct ChatContext {
    uint32_t tokens = 0;
    std::string why;      // "the model was trained with 2,048"
    std::string warning;  // "" for none
};

// `asked`: tokens; 0: the most that the model was trained with, that fit in memory beside the
// weights, and 8,192. Error(kEnvironment) when keys and values of what was asked for need more
// memory than there is. A pure function.
ChatContext choose_context(const GgufFile& model, uint64_t asked, const MemoryRoom& room);

}  // namespace bitgauge
