#pragma once

// The order in which ggml sorts a sub-block of IQ1: by qsort of the C library, which need not keep
// the order of equal values. Thread-safe.

#include <cstddef>
#include <cstdint>

namespace bitgauge {

// Indices of `count` values, at most 32, in the order of ggml's qsort.
void order_by_library(const float* values, size_t count, uint32_t* order);

// Whether equal values keep their order there; found out by sorting many arrays with equal values.
bool library_keeps_order();

}  // namespace bitgauge
