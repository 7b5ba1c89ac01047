#pragma once

// How far a model is from itself when only the shape of its batches changes. Sums then run in
// another order, and a mixture-of-experts model sends some tokens to other experts: two correct
// programs differ that much, so smaller differences between two files mean nothing.

#include <memory>

#include "eval/capture.h"
#include "eval/model_pass.h"

namespace bitgauge {

// Mean divergence, in nats, of the first batch of windows as stored in `job`'s first shard from the
// same windows read with two fifths of the tokens per call. Costs one batch.
class NoiseFloorUnit {
  public:
    NoiseFloorUnit(const CaptureJob& job, std::span<const Window> windows, size_t width);
    ~NoiseFloorUnit();

    // What a pass has to evaluate; it refers to this object.
    PassUnit unit();
    // Once it has, and the first shard is there.
    double finish(const ModelHead& head);

  private:
    class BatchRows;
    const CaptureJob& job_;
    std::span<const Window> windows_;
    WindowBatch batch_;
    std::unique_ptr<BatchRows> rows_;
};

}  // namespace bitgauge
