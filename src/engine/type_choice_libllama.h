#pragma once

// Which type libllama's own quantizer would give each tensor: until recipes can say it.

#include <filesystem>
#include <map>
#include <string>

namespace bitgauge {

struct LibllamaMixture {
    std::string file_type;  // llama.cpp's name: "Q4_K_M"
    bool pure = false;
    bool keep_split = false;
    bool with_importance = false;
};

// ggml's type name by tensor, as a dry run of libllama's quantizer tells it. Error(kInput) for an
// unknown file type (with the known ones) or a model it refuses.
std::map<std::string, std::string> libllama_types(const std::filesystem::path& original,
                                                  const LibllamaMixture& mixture);

}  // namespace bitgauge
