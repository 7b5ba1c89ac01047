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

void encode_q4_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q4_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q5_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q5_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q8_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_mxfp4_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);
void encode_q2_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q3_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q4_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q5_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_q6_k_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out);
void encode_iq4_nl_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                        std::byte* out);
void encode_iq4_xs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                        std::byte* out);

}  // namespace bitgauge
