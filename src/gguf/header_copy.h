#pragma once

// A model file whose header says something else: the tensors stay as they are, bit by bit.

#include <filesystem>
#include <map>
#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/progress.h"

namespace bitgauge {

// Writes `file` with these texts among its key-values (new, or in the place of old ones) to `path`,
// complete or absent. Order, types, offsets and alignment of the tensors stay, and their bytes are
// held against the original's by a hash, read back from the new file. Returns that hash.
// Error(kInput): a split file, tensors of types that ggml does not know, a file that ends with a
// checksum of itself, `path` is the file. Error(kEnvironment): it cannot be written, or the hashes
// differ (then nothing is left).
std::string write_with_texts(const GgufFile& file, const std::map<std::string, std::string>& texts,
                             const std::filesystem::path& path, Progress& progress);

}  // namespace bitgauge
