#pragma once

// What measuring importance adds up: squares of every matrix's inputs, and how many rows they came
// from. Files of it are written and read here, and sums of several passes added.
//
// Unit: sum over rows of x^2 per input channel, in double; a row is one token, or for routed
// experts one token at one of its experts. importance.h reads the same files for whoever only needs
// E[x^2].

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/importance.h"

namespace bitgauge {

struct ImportanceSums {
    // What one activation adds up to. Several tensors may have read it (q, k and v).
    struct Group {
        uint64_t channels = 0;        // of a row
        uint64_t matrices = 1;        // experts, or matrices of a tensor of three dimensions
        std::vector<double> sums;     // channels x matrices, matrix after matrix
        std::vector<int64_t> counts;  // rows: one per expert of a routed tensor, else one in all
    };

    std::vector<Group> groups;              // one that no tensor names is left out of files
    std::map<std::string, size_t> tensors;  // "blk.0.attn_q.weight" -> index of its group
    std::vector<std::string> datasets;      // texts, as they were named
    int64_t chunks = 0;                     // windows
    uint32_t chunk_size = 0;                // tokens of a window at most
    ImportanceProvenance made;

    const Group& of(const std::string& tensor) const { return groups[tensors.at(tensor)]; }
};

// ggml's names end after 63 bytes, and a file adds ".in_sum2".
constexpr size_t kLongestImportanceName = 55;

enum class ImportanceFormat {
    kGguf,   // as llama-imatrix writes it, and where it comes from (docs/formats/importance.md)
    kOlder,  // "imatrix.dat": means times windows; an expert without rows gets 1 everywhere,
             // a tensor without rows is left out
    kCheckpoint,  // to go on from: nothing is rounded; no other tool reads it
};

// The file is complete or as it was before. Throws Error(kEnvironment) when it cannot be written,
// Error(kNotFinite) for a sum that single precision cannot hold, Error(kInput) where there is
// nothing to write.
void write_importance(const std::filesystem::path& path, const ImportanceSums& sums,
                      ImportanceFormat format);

// Tokens of a window where an older file leaves it open; what llama-imatrix assumes.
constexpr uint32_t kUsualChunkSize = 512;

// Any of the three. Tensors with equal contents share a group. Of an older file, which only has
// means and numbers of windows, what llama-imatrix makes of it: windows of kUsualChunkSize tokens
// that reached every expert. Throws as Importance::read does.
ImportanceSums read_importance_sums(const std::filesystem::path& path);

// Adds `from` to `into`: sums, counts, windows; texts and datasets are put behind. The numbers are
// the same in any order. Tensors that only one of them has stay as they are. One count for all
// experts is taken as each expert's, as llama-imatrix does. Throws Error(kInput), with `into` as it
// was, for other shapes and where no tensor is in both.
// `name`: what to call `from` in messages.
void merge(ImportanceSums& into, const ImportanceSums& from, std::string_view name);

}  // namespace bitgauge
