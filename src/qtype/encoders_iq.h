#pragma once

// Encoders of IQ1, IQ2 and IQ3: byte for byte what ggml_quantize_chunk of ggml 0.25 writes.
//
// `in`: rows * row_weights values, row after row; row_weights is a multiple of 256. `importance`:
// row_weights values that all rows share, or nullptr (not for IQ2_XXS, IQ2_XS and IQ1_S, which
// throw Error(kInput)). `out`: whole rows of blocks, no padding between them.
//
// ggml ends the process where no grid point has a finite distance to a group of weights, or a
// scale is not a number: NaN, infinities, and values beyond about 1e12 beside ordinary ones, whose
// fourth powers overflow. Here that is Error(kNotFinite), naming row and column; `out` is then
// undefined. Thread-safe; the first call for a type builds its table of neighbours.

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
