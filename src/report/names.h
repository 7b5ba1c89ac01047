#pragma once

// Short names that still tell the files of one table apart.

#include <span>
#include <string>
#include <vector>

#include "bitgauge/identity.h"

namespace bitgauge {

// One per model: the file's name without ".gguf" and without what all files' names begin with (cut
// at a separator), after the publisher if there is one. Names that would stand twice get the first
// digits of their content hash. "unsloth UD-Q4_K_XL". Control characters are replaced.
std::vector<std::string> short_names(std::span<const ModelIdentity> models);

}  // namespace bitgauge
