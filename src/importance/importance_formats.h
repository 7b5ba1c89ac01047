#pragma once

// The two file formats of importance, as llama.cpp's imatrix-loader.cpp reads them; private to this
// room.
//
// GGUF: per weight W two F32 tensors, "W.in_sum2" [channels, matrices], sums of x^2, and "W.counts"
// [1, matrices], tokens.
// Older, little endian: i32 entries; per entry i32 length, name, i32 calls, i32 values, f32 values
// (sum of x^2 over tokens, divided by tokens, times calls); optionally i32 chunks, i32 length,
// data set's name.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/importance.h"

#include "base/files.h"

namespace bitgauge {

struct ImportanceFile {
    bool gguf = false;
    std::vector<std::string> datasets;
    int64_t chunks = 0;
    std::vector<ImportanceEntry> entries;
    std::vector<uint64_t> offsets;  // of each entry's values in the file
};

ImportanceFile read_gguf_importance(const std::filesystem::path& path);
ImportanceFile read_older_importance(const std::filesystem::path& path, const MappedFile& bytes);

}  // namespace bitgauge
