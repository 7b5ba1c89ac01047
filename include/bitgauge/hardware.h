#pragma once

// What a machine has and what a model needs of it. So far: memory, for the choice between a model
// as a whole and one that is evaluated in stages.

#include <cstdint>
#include <string>

#include "bitgauge/gguf.h"

namespace bitgauge {

struct MemoryRoom {
    uint64_t bytes = 0;    // that this process may still take
    std::string bound_by;  // "the machine" or "a limit on this process's group"
};

// What the kernel says is available without swapping, or less where a control group (version 1 or
// 2) or one above it limits this process. Memory that only caches files counts as free. Where the
// system does not say: all there could be.
MemoryRoom available_memory();

// Memory of one evaluation, in bytes.
struct EvaluationMemory {
    uint64_t weights = 0;
    uint64_t context = 0;  // keys and values or recurrent states of all sequences
    uint64_t compute = 0;  // of one call, logits included

    uint64_t total() const { return weights + context + compute; }
};

// An estimate from the header alone, meant to be too large rather than too small: F16 keys and
// values in every layer for `sequences` of `window_tokens`, and what `call_tokens` take on their
// way through the widest layer.
EvaluationMemory evaluation_memory(const GgufFile& model, uint64_t window_tokens,
                                   uint64_t sequences, uint64_t call_tokens);

}  // namespace bitgauge
