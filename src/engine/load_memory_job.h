#pragma once

// The job behind simulate_loading(): libllama ends the process on some headers.

#include "bitgauge/load_memory.h"

#include "base/json.h"

namespace bitgauge {

constexpr const char* kLoadMemoryJob = "load memory";

Json do_load_memory_job(const Json& job, Progress& progress);

}  // namespace bitgauge
