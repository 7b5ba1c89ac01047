#pragma once

// Where a model is cut: runs of layers that each load as a model of their own.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/anatomy.h"

namespace bitgauge {

// One run. Its model has the layers `layers` of the whole one, in that order: the first `real` of
// them are evaluated; what follows are layers of zeros that are never computed, there because
// libllama wants at least one layer of each kind.
struct CutStage {
    std::vector<uint32_t> layers;
    uint32_t real = 0;
    bool first = false;  // takes tokens in
    bool last = false;   // gives final states and logits out
    uint64_t bytes = 0;  // of the weights that are read from the file

    uint32_t begin() const { return layers.front(); }
    uint32_t end() const { return layers[real - 1] + 1; }
};

struct CutPlan {
    std::vector<CutStage> stages;  // none: the model is not cut
    std::string whole;             // why not; "" when it is
};

// At most `stages` runs of about equal size; 0: as many as the architecture allows.
CutPlan plan_cut(const Anatomy& model, uint32_t stages);

// Layers [begin, end) as a run of their own; the whole model allows it to end there.
CutStage cut_run(const Anatomy& model, uint32_t begin, uint32_t end);

}  // namespace bitgauge
