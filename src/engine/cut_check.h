#pragma once

// Whether a model that is cut into stages computes what the whole model computes, bit for bit.

#include <string>

#include "engine/staged_model.h"

namespace bitgauge {

struct CutCheck {
    bool same = false;
    std::string how;  // one sentence for the record
};

// Reads a few tokens through all stages and through the whole model and compares every bit of the
// states and logits; where `whole_fits` is false, each kind of neighbouring stages against one
// stage made of both. libllama may end the process on a cut it dislikes. Error(kEnvironment) when
// there is no memory.
CutCheck check_cut(const std::filesystem::path& path, const EngineOptions& options,
                   const StageChoice& choice, bool whole_fits);

// Everything the outcome depends on: the file's header and size, the headers of its stages, version
// of libllama.
std::string cut_check_key(const StagedModel& model, bool whole_fits);

}  // namespace bitgauge
