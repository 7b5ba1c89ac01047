#pragma once

// The sweep a command means. Error(kInput) where there is none, with what the store has instead.

#include <filesystem>

#include "bitgauge/gguf.h"
#include "bitgauge/sweep_table.h"

namespace bitgauge {

// The newest sweep of this very file.
SweepTable newest_sweep(const GgufFile& file, const std::filesystem::path& store);

// The newest of the one model that the store has sweeps of.
SweepTable only_sweep(const std::filesystem::path& store);

}  // namespace bitgauge
