#pragma once

// A baseline on disk: what the original says about a text, in one folder
// (docs/formats/baseline.md).
//
//   manifest.json        identity, protocol, how to read the rest; written last when complete
//   windows.gguf         the tokens of every window
//   head.gguf            the original's last matrix, as the original stores it
//   states-00001.gguf …  final hidden states of windows_per_shard windows each, or (kind
//                        log-probabilities, imported) rows of 16-bit log-probabilities
//
// Every file is complete or absent, so whoever was interrupted goes on with the shards that miss.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"
#include "bitgauge/record.h"
#include "bitgauge/text.h"

#include "eval/corpus_pass.h"

namespace bitgauge {

struct TensorShape {
    std::string name;
    std::vector<uint64_t> shape;
    bool operator==(const TensorShape&) const = default;
};
std::vector<TensorShape> tensor_shapes(const GgufFile& file);

struct BaselineManifest {
    static constexpr const char* kSchema = "bitgauge.baseline/1";

    // Baseline, protocol and corpus as every record over this baseline carries them.
    MeasureRecord identity;
    std::string tokenizer_hash;        // "" when imported without the original
    std::vector<TensorShape> tensors;  // of the original; empty when imported without it
    uint64_t vocabulary = 0;
    uint64_t width = 0;  // of a state; 0 where rows are log-probabilities
    uint64_t windows = 0;
    uint32_t windows_per_shard = 16;
    double head_scale = 1;
    double head_softcap = 0;
    bool single_precision = false;     // EngineOptions'
    double log_probability_floor = 0;  // rows at or below are left out of sums; 0: none
    bool complete = false;

    bool has_states() const { return identity.baseline.kind == "states"; }
    PassShape pass_shape() const;
    size_t shards() const { return (windows + windows_per_shard - 1) / windows_per_shard; }
};

// Paths inside the folder `root`.
struct BaselineFolder {
    std::filesystem::path root;

    std::filesystem::path manifest() const { return root / "manifest.json"; }
    std::filesystem::path windows() const { return root / "windows.gguf"; }
    std::filesystem::path head() const { return root / "head.gguf"; }
    std::filesystem::path shard(size_t index) const;  // 0-based
};

void write_manifest(const BaselineFolder& folder, const BaselineManifest& manifest);
// Error(kInput): no baseline there, not complete (with what to run), another schema.
BaselineManifest read_manifest(const BaselineFolder& folder, bool must_be_complete = true);

// The manifest that lies in the folder already, when it is of the same baseline, complete or not.
// Error(kInput) when it is of another one, so that none is overwritten.
std::optional<BaselineManifest> earlier_manifest(const BaselineFolder& folder,
                                                 const BaselineManifest& planned);

constexpr const char* kWindowsSchema = "bitgauge.windows/1";
void write_windows(const std::filesystem::path& path, const Windows& windows);
Windows read_windows(const std::filesystem::path& path);

// First window of a shard and the one after its last.
struct WindowRange {
    size_t first = 0;
    size_t last = 0;
};
WindowRange shard_range(const BaselineManifest& manifest, size_t shard);
size_t scored_positions(const Windows& windows, const WindowRange& range);

}  // namespace bitgauge
