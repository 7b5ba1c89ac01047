#pragma once

// Final hidden states as they are stored: single precision, or one of two 16-bit forms.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bitgauge {

enum class StatePrecision { kF16, kBf16, kF32 };

std::string to_string(StatePrecision precision);                  // "f16", "bf16", "f32"
StatePrecision state_precision_by_name(const std::string& name);  // Error(kInput) for others

int ggml_type_of(StatePrecision precision);
size_t state_bytes(StatePrecision precision, size_t values);

// Rounds to nearest even. `out` holds state_bytes(precision, states.size()).
void encode_states(StatePrecision precision, std::span<const float> states,
                   std::span<std::byte> out);
void decode_states(StatePrecision precision, std::span<const std::byte> bytes,
                   std::span<float> out);

}  // namespace bitgauge
