#pragma once

// Texts for each step of a chain, none used twice.

#include <filesystem>
#include <vector>

#include "bitgauge/progress.h"
#include "bitgauge/text.h"

namespace bitgauge {

struct StepTexts {
    std::vector<std::filesystem::path> importance, sweep, held_out;
    TextOverlap overlap;  // of held_out with the other two
};

// Shares `texts` out into files of `folder`, one per step. `held_out`: taken as it is, where it is
// not empty; `with_importance`: a share for importance. Warns where held-out text stands in the
// others. Error(kInput) where a part would be empty.
StepTexts share_texts(const std::vector<std::filesystem::path>& texts,
                      const std::vector<std::filesystem::path>& held_out, bool with_importance,
                      const std::filesystem::path& folder, Progress& progress);

}  // namespace bitgauge
