#pragma once

// One encoder per tensor type. Each writes, byte for byte, what ggml_quantize_chunk writes.
//
// `in`: rows * row_weights values, row after row. `importance`: row_weights values that all rows
// share, or nullptr. `out`: whole rows of blocks, no padding between them. Thread-safe; the sizes
// were checked by encode_rows().

#include <cstddef>

namespace bitgauge {

using RowEncoder = void (*)(const float* in, size_t rows, size_t row_weights,
                            const float* importance, std::byte* out);

// nullptr: encoded by ggml.
RowEncoder own_encoder(int type_id);

// Whether ggml_quantize_chunk takes the type.
bool is_encodable(int type_id);

// The reference, for types without an encoder here and for blocks whose numbers leave the range in
// which an encoder is exact (NaN, infinities, squares that overflow).
void encode_by_ggml(int type_id, const float* in, size_t rows, size_t row_weights,
                    const float* importance, std::byte* out);

}  // namespace bitgauge
