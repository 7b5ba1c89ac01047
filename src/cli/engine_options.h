#pragma once

// Options that every command which evaluates models has.

#include <CLI/CLI.hpp>

#include "bitgauge/eval.h"

namespace bitgauge {

void add_engine_options(CLI::App& command, EngineOptions& options);

// Models are evaluated by this very program, started anew: what libllama aborts on ends only that.
Isolation this_program();

}  // namespace bitgauge
