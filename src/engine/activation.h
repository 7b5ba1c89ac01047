#pragma once

// Rounding of activations as ggml's CPU products do it before they multiply.

#include <cstddef>
#include <span>

namespace bitgauge {

// Rounds one row in place to what a product with weights of ggml type `weight_type` reads: each
// weight type names its partner (BF16 with BF16, Q6_K with blocks of 256 8-bit integers, ...).
// Nothing happens for partners this file does not know (single precision among them).
void round_activation_row(int weight_type, std::span<float> row, std::span<std::byte> scratch);

// Bytes of scratch that round_activation_row needs for a row of `width` values.
size_t activation_scratch_bytes(int weight_type, size_t width);

}  // namespace bitgauge
