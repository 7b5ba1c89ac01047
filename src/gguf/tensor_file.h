#pragma once

// One tensor as a GGUF file of its own, with what is to be said of it as text.

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

namespace bitgauge {

using TensorNotes = std::map<std::string, std::string>;  // key -> text

// The file's name in a folder: "blk.0.attn_q.weight.gguf".
std::filesystem::path tensor_file_path(const std::filesystem::path& folder,
                                       const std::string& tensor);

// Complete or absent. Error(kEnvironment) when it cannot be written.
void write_tensor_file(const std::filesystem::path& folder, const std::string& tensor, int type_id,
                       std::span<const uint64_t> shape, std::span<const std::byte> bytes,
                       const TensorNotes& notes);

// The header, where there is such a file; nothing for one that is damaged or of another tensor.
std::optional<GgufFile> open_tensor_file(const std::filesystem::path& folder,
                                         const std::string& tensor);
std::vector<std::byte> tensor_file_bytes(const GgufFile& file);

}  // namespace bitgauge
