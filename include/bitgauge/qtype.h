#pragma once

// The table of tensor types: every type of the ggml this build stands on, how rows of it are
// decoded and encoded (the bytes are ggml's; the encoders of the common types are faster), and by
// name and size the types that only ik_llama.cpp has.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bitgauge {

// A row is stored as `row_extra_bytes` (0 for all of ggml's types), then whole blocks of
// `block_weights` weights in `block_bytes` bytes: a row's length is a multiple of block_weights.
struct QType {
    int id = 0;        // ggml's number
    std::string name;  // ggml's name: "q4_K"
    uint32_t block_weights = 0;
    uint32_t block_bytes = 0;
    bool quantized = false;                 // not F32, F16, BF16 or an integer
    bool decodable = false;                 // decode_row() takes it
    bool encodable = false;                 // encode_rows() takes it
    bool has_own_encoder = false;           // encoded here, many times faster than by ggml
    bool encoder_needs_importance = false;  // encode_rows() refuses it without importance
    bool ik_only = false;                   // only an ik_llama.cpp build can run it
    uint32_t row_extra_bytes = 0;
    // llama.cpp refuses to make it without importance (Q2_K also, in a Q2_K_S file).
    bool needs_importance = false;
    // What llama.cpp takes where a row is no multiple of block_weights: never fewer bits; f16 where
    // even that does not fit. -1: there is none.
    int fallback_id = -1;

    // Exact: 8 * block_bytes / block_weights bits per weight, a row's extra bytes left out.
    double bits_per_weight() const { return 8.0 * block_bytes / block_weights; }
    // Bytes of a row of `weights`, which must be a multiple of block_weights.
    uint64_t row_bytes(uint64_t weights) const {
        return row_extra_bytes + weights / block_weights * block_bytes;
    }
};

// ggml's, in ascending order of id; retired numbers are left out. Thread-safe, as is all of this
// header.
std::span<const QType> all_types();

// Those that only ik_llama.cpp has (source and commit: base/ik_types.h), in ascending order of id.
std::span<const QType> ik_only_types();

// In both tables; nullptr when there is none. Letter case does not matter ("Q4_K" finds "q4_K").
const QType* find_type(std::string_view name);
const QType* type_by_id(int id);

// Decodes `in`, whole rows or blocks of one type, into `out`, exactly as ggml does. Throws
// Error(kInput) when the type is unknown or cannot be decoded, or the sizes do not fit each other.
void decode_row(int type_id, std::span<const std::byte> in, std::span<float> out);

// Encodes `in`, whole rows of `row_weights` weights each, into `out`, row after row. The bytes
// equal those of ggml_quantize_chunk, also where weights are not finite (scan before: ggml itself
// ends the process on such weights for some types below two bits). `importance` is empty or E[x^2]
// of each of the `row_weights` input channels, shared by all rows of the call; a row's bytes depend
// on that row only, so rows may be split over calls and threads in any way. Many rows a call are
// faster than one. Throws Error(kInput) when the type is unknown or cannot be encoded, needs
// importance and has none, or the sizes do not fit each other.
void encode_rows(int type_id, std::span<const float> in, size_t row_weights,
                 std::span<const float> importance, std::span<std::byte> out);

// "0.25.3 (0c1e570)": version and commit of the ggml that is loaded.
std::string ggml_version_text();

}  // namespace bitgauge
