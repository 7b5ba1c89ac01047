#pragma once

// Whether a GGUF header is whole, before ggml's reader is let near it: says what is missing and
// where, and refuses counts that the file has no room for, so that nothing absurd is allocated.
//
// Structure only (magic, version, counts, lengths); names, types and shapes are ggml's to judge.
// Layout: ggml's gguf.h, versions 2 and 3, little endian.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace bitgauge {

// Where the parts of a header begin, in bytes from the beginning of the file.
struct HeaderLayout {
    uint64_t tensors = 0;       // entries of the tensor table
    uint64_t tensor_table = 0;  // 0 when something before it is ggml's to refuse
    uint64_t data = 0;          // the first tensor's data; 0 likewise
};

// Throws Error(kInput) naming `file`: not a GGUF, a version this build cannot read, truncated.
HeaderLayout check_header(std::span<const std::byte> bytes, const std::string& file);

// Bytes of one value of a key-value type (ggml's gguf_type); 0 for strings, arrays, unknown ones.
size_t value_bytes(uint32_t type);

}  // namespace bitgauge
