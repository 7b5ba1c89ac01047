#pragma once

// What the tests of this room write and break.

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "gguf/writer.h"

namespace bitgauge {

inline std::filesystem::path fresh_folder(const std::string& name) {
    const auto folder = std::filesystem::temp_directory_path() / ("bitgauge_gguf_test_" + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

// Without the sync to disk of write_file_atomically(): these files are many and short-lived.
inline void write_plainly(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<float> counting(size_t n) {
    std::vector<float> values(n);
    std::iota(values.begin(), values.end(), 0.0F);
    return values;
}

constexpr int kF32 = 0;  // ggml's number

// A model of two tensors, 16 + 8 weights in F32, whose data ends on a multiple of the alignment.
inline void write_small_model(const std::filesystem::path& path) {
    const std::vector<float> values = counting(16);
    const auto bytes = std::as_bytes(std::span(values));
    GgufWriter writer;
    writer.set_text("general.architecture", "tiny");
    writer.set_u32("general.file_type", 0);
    writer.set_text("tokenizer.ggml.model", "gpt2");
    writer.set_texts("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab"});
    writer.add_tensor("blk.0.attn_q.weight", kF32, std::vector<uint64_t>{8, 2}, bytes);
    writer.add_tensor("output_norm.weight", kF32, std::vector<uint64_t>{8}, bytes.first(32));
    writer.write(path);
}

}  // namespace bitgauge
