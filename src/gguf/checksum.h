#pragma once

// Files that end with the hash of all their other bytes, so that damage is seen before anything in
// them is believed. GgufWriter::end_with_checksum() writes them.

#include <cstddef>
#include <filesystem>

namespace bitgauge {

// The last tensor of such a file, and its size: the digits of a ContentHash.
constexpr const char* kChecksumTensor = "checksum";
constexpr size_t kChecksumBytes = 32;

// Whether the last 32 bytes of the file are the hash of those before. Reads every byte once, as
// fast as memory. Error(kInput) when the file cannot be read.
bool checksum_holds(const std::filesystem::path& path);

}  // namespace bitgauge
