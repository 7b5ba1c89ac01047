#pragma once

// A baseline opened for comparison: the original's logits by shard, from states and head or from
// stored log-probabilities.

#include <memory>
#include <span>
#include <vector>

#include "eval/baseline_folder.h"
#include "eval/divergence_pass.h"
#include "eval/model_head.h"

namespace bitgauge {

// One shard's positions. Thread-safe for reading.
class BaselineShard {
  public:
    virtual ~BaselineShard() = default;
    virtual size_t positions() const = 0;
    // The logits of positions [first, first + count); must not outlive the shard.
    virtual std::unique_ptr<LogitTiles> range(size_t first, size_t count) const = 0;
    // The logits of single positions, in the order given.
    virtual std::unique_ptr<LogitTiles> rows(std::span<const size_t> rows) const = 0;
    // The states themselves, not rounded; empty where the baseline has none.
    virtual std::vector<float> states(size_t first, size_t count) const = 0;
};

class BaselineReader {
  public:
    explicit BaselineReader(const std::filesystem::path& folder);

    const BaselineManifest& manifest() const { return manifest_; }
    const Windows& windows() const { return windows_; }
    // The original's; null where the baseline holds log-probabilities.
    const ModelHead* head() const { return head_.get(); }
    std::unique_ptr<BaselineShard> open_shard(size_t shard) const;
    ReferenceReading reading() const;
    // The token that follows each scored position of a range of windows.
    std::vector<TokenId> next_tokens(const WindowRange& range) const;

  private:
    BaselineFolder folder_;
    BaselineManifest manifest_;
    Windows windows_;
    std::unique_ptr<ModelHead> head_;  // where the baseline holds states
};

}  // namespace bitgauge
