#pragma once

// Stand-in for the encoders until they have landed: the same signature over ggml. With them, these
// two files go and "bitgauge/qtype.h" takes their place.

#include <cstddef>
#include <span>

namespace bitgauge {

// Encodes rows of `row_weights` weights each into `type_id`. `importance`: one value per weight of
// a row, the same for all rows, or empty. Thread-safe.
void encode_rows(int type_id, std::span<const float> in, size_t row_weights,
                 std::span<const float> importance, std::span<std::byte> out);

}  // namespace bitgauge
