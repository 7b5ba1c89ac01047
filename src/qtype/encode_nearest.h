#pragma once

// Encoders without a search: the largest weight of a block gives its scale, every weight the
// nearest level. Q4_0 to Q5_1 are encoded so without importance, Q8_0 and MXFP4 always. As in
// encoders.h; `importance` is not looked at.

#include <cstddef>

namespace bitgauge {

void nearest_q4_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);
void nearest_q4_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);
void nearest_q5_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);
void nearest_q5_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out);

}  // namespace bitgauge
