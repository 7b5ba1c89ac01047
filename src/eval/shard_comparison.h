#pragma once

// One shard of a baseline against the states of several candidates: on an accelerator where there
// is one, else in tiles of the vocabulary on the CPU, the original's tile once for all candidates.

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "engine/device_divergence.h"
#include "eval/candidate.h"
#include "eval/divergence_pass.h"

namespace bitgauge {

class ShardComparison {
  public:
    // `device` may be null. The baseline must outlive this.
    ShardComparison(const BaselineReader& baseline, std::unique_ptr<Device> device);
    ~ShardComparison();

    // Values per candidate, over all positions of the shard. `states[i]` are those of
    // candidates[i], which have heads.
    std::vector<PositionValues> compare(size_t shard, std::span<const Candidate* const> candidates,
                                        std::span<const std::unique_ptr<StatesShard>> states);

  private:
    struct Block;
    std::vector<PositionValues> on_cpu(const Block& block) const;
    std::vector<PositionValues> on_device(const Block& block);
    const Device::LoadedHead& loaded(const Head& head);

    const BaselineReader& baseline_;
    std::unique_ptr<Device> device_;
    std::map<const Head*, std::shared_ptr<const Device::LoadedHead>> loaded_;
};

}  // namespace bitgauge
