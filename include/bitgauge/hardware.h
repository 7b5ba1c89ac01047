#pragma once

// What a machine has and what a model needs of it: memory, for the choice between a model as a
// whole and one that is evaluated in stages, and for plans of files that fit; bytes read for each
// token. Bytes throughout. Pure functions but for the first; thread-safe.

#include <cstdint>
#include <map>
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
    uint64_t keys_values = 0;  // of 16 bits, in layers with attention
    uint64_t recurrent = 0;    // states of the other layers, which do not grow with the text
    uint64_t compute = 0;      // of one call, logits included
    uint64_t scores = 0;       // of one call's tokens against all; none with flash attention

    uint64_t context() const { return keys_values + recurrent; }
    uint64_t total() const { return weights + context() + compute + scores; }
};

// An estimate from the header alone, meant to be too large rather than too small: of `sequences` of
// `window_tokens` every layer with attention keeps all (also where it looks at some of them only),
// and `call_tokens` are on their way through the widest layer.
EvaluationMemory evaluation_memory(const GgufFile& model, uint64_t window_tokens,
                                   uint64_t sequences, uint64_t call_tokens);

// Bytes of weights that are read for one token when text is generated: of experts the share that is
// used, of embeddings one row. `types`: ggml's names by tensor, where they differ from the file's.
uint64_t decoded_weight_bytes(const GgufFile& model,
                              const std::map<std::string, std::string>& types);

// The same as numbers of weights, tensor by tensor.
std::map<std::string, uint64_t> decoded_weights(const GgufFile& model);

// The best of `passes` over a block of `bytes`, larger than the caches where the system says how
// large they are, read by `threads` threads at once, each its own part [after STREAM, McCalpin
// 1995, which copies; here is only read, as weights are]. What other programs read meanwhile is
// missing from it. Takes a second or so.
struct ReadBandwidth {
    uint64_t bytes = 0;
    double bytes_per_second = 0;
};
ReadBandwidth read_bandwidth(uint32_t threads, uint32_t passes = 5);

}  // namespace bitgauge
