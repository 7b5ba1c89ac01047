#pragma once

// Text files that may be compressed.

#include <filesystem>
#include <string>

namespace bitgauge {

// The content, unpacked where its first bytes are those of gzip or bzip2, without a byte order
// mark. Error(kInput) where it cannot be read, the compressed data are damaged or cut off, or they
// unpack to more than 1 GiB.
std::string read_packed_text(const std::filesystem::path& path);

// Data of zlib or gzip. Nothing where they are damaged, or unpack to more than 1 GiB.
bool inflate_text(const std::string& packed, std::string& text);

}  // namespace bitgauge
