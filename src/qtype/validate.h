#pragma once

// Whether encoded rows can be decoded to finite numbers.

#include <cstddef>
#include <span>

namespace bitgauge {

// False when a scale (or, in unquantized types, a value) is NaN or infinite; ggml then also writes
// a line to stderr. Thread-safe.
bool rows_are_finite(int type_id, std::span<const std::byte> rows);

}  // namespace bitgauge
