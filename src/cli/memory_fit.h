#pragma once

// What a file has to share a memory with: keys, values and recurrent states of a context, and one
// call of the model. And how fast it may answer, from the bytes that each token reads. Estimates
// from the header alone, meant to be too large rather than too small.

#include <cstdint>
#include <optional>
#include <string>

#include "bitgauge/cost.h"
#include "bitgauge/gguf.h"

#include "base/json.h"

namespace bitgauge {

struct MemoryWish {
    uint64_t memory = 0;  // bytes
    uint64_t tokens = 0;  // of the context
    std::string type;     // of keys and values, ggml's name
};

// Bytes. With flash attention, which llama.cpp uses where it can.
struct MemoryFit {
    MemoryWish wish;
    uint64_t keys_values = 0;
    uint64_t recurrent = 0;
    uint64_t compute = 0;

    uint64_t beside() const { return keys_values + recurrent + compute; }
    // That the file may have.
    uint64_t left() const { return wish.memory - beside(); }
};

// Error(kInput) with the range where the memory does not even hold `smallest`, the smallest file.
MemoryFit fit_memory(const GgufFile& model, const MemoryWish& wish, uint64_t smallest);

// What a plan's file reads of the memory for each token, and what that allows.
struct DecodeBytes {
    uint64_t weights = 0;
    uint64_t keys_values = 0;         // of a full context; 0: none was asked for
    std::optional<double> bandwidth;  // bytes per second, of the memory

    // At most so many tokens per second: the memory is read at its full rate and nothing else takes
    // time.
    double most_tokens(bool full_context) const;
};

std::string memory_text(const MemoryFit& fit, uint64_t file_bytes);
std::string decode_text(const DecodeBytes& decode);
Json memory_json(const MemoryFit& fit);
Json decode_json(const DecodeBytes& decode);

// "32768", "32k" (1024 each). Error(kInput) for others and for 0.
uint64_t parse_tokens(const std::string& text);

}  // namespace bitgauge
