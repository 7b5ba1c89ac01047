#pragma once

// Which model a number belongs to: enough to find the very file again.

#include <cstdint>
#include <map>
#include <string>

namespace bitgauge {

struct ModelIdentity {
    std::string file;       // base name of the (first) file, no folder
    std::string name;       // general.name, or the file's stem
    std::string publisher;  // general.quantized_by or what the file name says; may be empty
    std::string label;      // file type as llama.cpp names it: "Q4_K_M"
    std::string architecture;
    std::string content_hash;  // XXH3-128 over all shards' bytes
    uint64_t size_bytes = 0;   // all shards
    uint64_t parameters = 0;
    double bits_per_weight = 0;                  // 8 * tensor bytes / parameters
    std::map<std::string, uint64_t> type_bytes;  // bytes of tensor data per type name
};

}  // namespace bitgauge
