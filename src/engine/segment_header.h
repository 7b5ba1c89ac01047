#pragma once

// The key-values of a run of layers.

#include "engine/cut_plan.h"
#include "gguf/writer.h"

namespace bitgauge {

// Everything the whole model's header says, with the vocabulary's size in place of its tokens and
// what depends on layers said for the layers of the run.
void write_segment_keys(GgufWriter& writer, const Anatomy& model, const CutStage& stage,
                        uint32_t vocabulary);

}  // namespace bitgauge
