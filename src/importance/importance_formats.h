#pragma once

// The two file formats of importance, as llama.cpp's imatrix-loader.cpp reads them; private to this
// room.
//
// GGUF: per weight W two F32 tensors, "W.in_sum2" [channels, matrices], sums of x^2, and "W.counts"
// [1, matrices], tokens. A checkpoint of ours has F64 and I64 instead.
// Older, little endian: i32 entries; per entry i32 length, name, i32 calls, i32 values, f32 values
// (sum of x^2 over tokens, divided by tokens, times calls); optionally i32 chunks, i32 length,
// data set's name.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/importance.h"

#include "base/files.h"

namespace bitgauge {

struct ImportanceFile {
    bool gguf = false;
    bool checkpoint = false;  // values in double precision
    std::vector<std::string> datasets;
    int64_t chunks = 0;
    uint32_t chunk_size = 0;
    ImportanceProvenance made;
    std::vector<ImportanceEntry> entries;
    // Of each entry: where its values are in the file, and how many stand in a row there.
    std::vector<uint64_t> offsets;
    std::vector<uint64_t> channels;
};

[[noreturn]] void refuse_number(const std::filesystem::path& path, const std::string& tensor,
                                uint64_t channel, double value);

// NaN, infinity or below 0.
inline bool is_bad(double value) {
    return !(value >= 0 && value <= std::numeric_limits<double>::max());
}

// Error(kNotFinite) naming the first one.
template <class Number>
void require_numbers(const std::filesystem::path& path, const std::string& tensor,
                     std::span<const Number> values) {
    const auto bad = std::ranges::find_if(
        values, [](Number value) { return is_bad(static_cast<double>(value)); });
    if (bad != values.end()) {
        refuse_number(path, tensor, static_cast<uint64_t>(bad - values.begin()),
                      static_cast<double>(*bad));
    }
}

// Either format, by its first bytes. Error(kInput) as Importance::read says, but for checkpoints.
ImportanceFile read_importance_file(const std::filesystem::path& path, const MappedFile& bytes);

}  // namespace bitgauge
