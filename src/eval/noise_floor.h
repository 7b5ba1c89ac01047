#pragma once

// How far a model is from itself when only the shape of its batches changes. Sums then run in
// another order, and a mixture-of-experts model sends some tokens to other experts: two correct
// programs differ that much, so smaller differences between two files mean nothing.

#include "eval/capture.h"

namespace bitgauge {

// Mean divergence, in nats, of the first batch of windows as stored in `job`'s first shard from the
// same windows read with two fifths of the tokens per call. Costs one batch. `context` is of the
// same model.
double measure_noise_floor(const CaptureJob& job, Context& context, std::span<const Window> windows,
                           const ModelHead& head);

}  // namespace bitgauge
