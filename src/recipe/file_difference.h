#pragma once

// Why two model files differ: where each spends its bytes, and every key of their headers.
//
// Pure comparison of headers; tensor data is not read. Throws what GgufFile throws.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

namespace bitgauge {

// Tensors of one role in both files.
struct RoleDifference {
    std::string role;
    uint64_t tensors = 0;  // in either
    uint64_t differing = 0;
    uint64_t bytes_a = 0;
    uint64_t bytes_b = 0;
    std::map<std::string, uint64_t> types_a;  // tensors per type
    std::map<std::string, uint64_t> types_b;

    int64_t gain() const { return static_cast<int64_t>(bytes_b - bytes_a); }
};

// One tensor that differs; empty type: not there.
struct TensorDifference {
    std::string name;
    std::string type_a;
    std::string type_b;
    std::vector<uint64_t> shape_a;
    std::vector<uint64_t> shape_b;
    uint64_t bytes_a = 0;
    uint64_t bytes_b = 0;
};

enum class KeyKind { kTemplate, kTokenizer, kProvenance, kModel };

// One key that differs; nothing: not there. Arrays are summarised as KeyValue does.
struct KeyDifference {
    std::string key;
    KeyKind kind = KeyKind::kModel;
    std::optional<std::string> a;
    std::optional<std::string> b;
    std::string type_a;  // "u32", "[str]"; "" where the key is not there
    std::string type_b;
};

struct FileDifference {
    std::vector<RoleDifference> roles;  // with differing tensors; the largest gain or loss first
    std::vector<TensorDifference> tensors;
    std::vector<KeyDifference> keys;  // by kind, then as in the files
    uint64_t common_tensors = 0;      // in both
    uint64_t only_in_a = 0;
    uint64_t only_in_b = 0;
    bool same_tokens = false;  // every text becomes the same tokens
};

FileDifference compare_files(const GgufFile& a, const GgufFile& b);

}  // namespace bitgauge
