#pragma once

// Options that every command which runs models has.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bitgauge/eval.h"

namespace bitgauge {

// Threads and accelerator.
void add_device_options(CLI::App& command, EngineOptions& options);

// Those, and the stages.
void add_engine_options(CLI::App& command, EngineOptions& options);

// Types that libllama keeps keys and values in, ggml's names.
std::vector<std::string> kept_types();

// Models are evaluated by this very program, started anew: what libllama aborts on ends only that.
Isolation this_program();

}  // namespace bitgauge
