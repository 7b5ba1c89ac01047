#pragma once

// The states of many batches between two stages of a model, on the disk (which is memory as long as
// there is some), together with how far the pass has come: a pass that was killed goes on there.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/positioned_file.h"

namespace bitgauge {

// Where a pass stands: the first `batches` batches have been through stage `stage`.
struct PassPlace {
    size_t stage = 0;
    size_t batches = 0;
};

// Thread-compatible.
class StageStates {
  public:
    // `tokens` of each batch; `identity` of everything the states depend on.
    StageStates(std::filesystem::path folder, std::string identity,
                const std::vector<uint64_t>& tokens);

    // The place where an earlier pass of the same identity was stopped; none: from the beginning.
    PassPlace resume();

    // What `batch` takes into `stage` (not 0), one row per token.
    std::vector<float> read(size_t stage, size_t batch) const;
    // What `batch` gives out of `stage`. The first call takes room for all that will ever be
    // written: Error(kEnvironment) when the disk has less.
    void write(size_t stage, size_t batch, const std::vector<float>& rows);
    // Keeps `place` for resume(): at once, or when a second has passed since the last time.
    void keep_place(const PassPlace& place, bool at_once);
    // The pass is over: nothing is left.
    void discard();

  private:
    uint64_t offset(size_t stage, size_t batch) const;
    void take_room(uint64_t width);

    std::filesystem::path folder_;
    std::string identity_;
    std::vector<uint64_t> first_row_;  // of each batch; one more at the end
    uint64_t width_ = 0;               // of a row; 0: nothing was written yet
    std::optional<ResumableFile> file_;
    double kept_at_ = 0;
};

// What a pass that was stopped has left in a folder, when it will not go on.
void discard_states(const std::filesystem::path& folder);

}  // namespace bitgauge
