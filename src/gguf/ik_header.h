#pragma once

// Headers of files with tensor types that only ik_llama.cpp has and that ggml refuses to read;
// private to this room.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "bitgauge/gguf.h"

#include "gguf/header_check.h"

namespace bitgauge {

// True when a tensor of the table has such a type.
bool has_ik_types(std::span<const std::byte> bytes, const HeaderLayout& layout);

// The file's beginning with an empty tensor table: ggml reads the key-values from it.
std::vector<std::byte> without_tensors(std::span<const std::byte> bytes,
                                       const HeaderLayout& layout);

// The tensor table of a file that has such types, `shard` in each; empty when it has none. Throws
// Error(kInput) naming the file: a type neither side knows, a row that is no whole number of
// blocks, a tensor whose size overflows.
std::vector<TensorInfo> read_ik_tensors(const std::filesystem::path& path, uint32_t shard);

}  // namespace bitgauge
