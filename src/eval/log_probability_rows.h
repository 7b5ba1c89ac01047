#pragma once

// One position's log-probabilities in 16 bits per entry, byte for byte as llama-perplexity writes
// them (tools/perplexity/perplexity.cpp, log_softmax): float scale, float minimum, then an unsigned
// integer per entry; ln p(v) = scale * q[v] + minimum. The vocabulary is padded to an even number.

#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge {

// 16-bit values per row, the two floats included.
constexpr size_t log_probability_row_values(size_t vocabulary) {
    return 2 * ((vocabulary + 1) / 2) + 4;
}

// `range_nats`: how far below the largest logit entries are told apart; smaller ones are stored as
// the minimum (16 in llama.cpp, 24 in ik_llama.cpp, infinity: nothing is cut).
void encode_log_probabilities(std::span<const float> logits, float range_nats,
                              std::span<uint16_t> row);

// Entries [first, first + out.size()) of a row.
void decode_log_probabilities(std::span<const uint16_t> row, size_t first, std::span<float> out);

}  // namespace bitgauge
