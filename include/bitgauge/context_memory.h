#pragma once

// What one context of a model takes beside the weights, in bytes.

#include <cstdint>

namespace bitgauge {

struct ContextMemory {
    uint64_t tokens = 0;       // the context's length
    uint64_t keys_values = 0;  // grows with the tokens
    uint64_t recurrent = 0;    // states of layers without attention; does not grow
    uint64_t compute = 0;      // intermediate results of one call
    // Of them, those of the layers alone: the logits of a whole call are often the largest part,
    // and what is copied for the layers is gone by then.
    uint64_t layers_compute = 0;
    uint64_t output = 0;  // logits handed out; always in main memory

    uint64_t kept() const { return keys_values + recurrent; }
    uint64_t total() const { return kept() + compute + output; }
};

}  // namespace bitgauge
