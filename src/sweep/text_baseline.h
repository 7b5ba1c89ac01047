#pragma once

// What the original says about a text, as much of it as a step of a sweep needs.

#include <filesystem>
#include <vector>

#include "bitgauge/eval.h"

#include "eval/baseline_folder.h"

namespace bitgauge {

struct TextSlice {
    std::vector<std::filesystem::path> texts;
    Protocol protocol;    // max_scored is set from `tokens`
    uint64_t tokens = 0;  // scored, about: whole windows
};

// make_baseline() of such a slice, errors as its. Warns where there is less text than asked for,
// and says how much less.
BaselineManifest make_text_baseline(const std::filesystem::path& original,
                                    const std::filesystem::path& folder, const TextSlice& slice,
                                    const EngineOptions& engine, const Isolation& isolation,
                                    Progress& progress);

}  // namespace bitgauge
