#pragma once

// Encoders of IQ1, IQ2 and IQ3: byte for byte what ggml_quantize_chunk of ggml 0.25 writes.
//
// `in`: rows * row_weights values, row after row; row_weights is a multiple of 256. `importance`:
// row_weights values that all rows share, or nullptr (not for IQ2_XXS, IQ2_XS and IQ1_S, which
// throw Error(kInput)). `out`: whole rows of blocks, no padding between them.
//
// ggml ends the process where no grid point has a finite distance to a group of weights (IQ2, IQ3:
// from about 1e15 on, where x^2.5 overflows) or a scale is not a number, and IQ1 of ggml then reads
// outside of its arrays. Here that is Error(kNotFinite), as are weights that are NaN or infinite;
// it names row and column, and `out` is undefined. Everything else that ggml survives gives its
// bytes, also its flaw in IQ3_S: after a sub-block of zeros, grid indices move up in the block.
// Thread-safe; the first call for a type builds its table of neighbours, in 0.1 s.

#include <cstddef>

namespace bitgauge {

void encode_iq2_xxs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                         std::byte* out);
void encode_iq2_xs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                        std::byte* out);
void encode_iq2_s_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);
void encode_iq3_xxs_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                         std::byte* out);
void encode_iq3_s_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);
void encode_iq1_s_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);
void encode_iq1_m_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);

}  // namespace bitgauge
