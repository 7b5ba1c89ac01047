#pragma once

// Observers of the pass that keep one shard's positions and write them: states, rows of
// log-probabilities, or figures against a baseline.

#include <memory>

#include "eval/baseline_folder.h"
#include "eval/capture.h"

namespace bitgauge {

class ShardObserver : public PassObserver {
  public:
    virtual void begin(size_t shard, const WindowRange& range) = 0;
    virtual void write(const std::filesystem::path& path, const std::string& identity) = 0;
};

std::unique_ptr<ShardObserver> make_shard_observer(const CaptureJob& job,
                                                   std::span<const Window> windows, size_t width,
                                                   size_t vocabulary);

}  // namespace bitgauge
