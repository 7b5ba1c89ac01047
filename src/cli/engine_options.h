#pragma once

// Options that every command which runs models has.

#include <CLI/CLI.hpp>

#include "bitgauge/eval.h"

namespace bitgauge {

// Threads and accelerator.
void add_device_options(CLI::App& command, EngineOptions& options);

// Those, and the stages.
void add_engine_options(CLI::App& command, EngineOptions& options);

// Models are evaluated by this very program, started anew: what libllama aborts on ends only that.
Isolation this_program();

}  // namespace bitgauge
