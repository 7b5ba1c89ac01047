#pragma once

// Options of every command that sweeps.

#include <CLI/CLI.hpp>

#include "bitgauge/sweep.h"

namespace bitgauge {

void add_sweep_options(CLI::App& command, SweepOptions& options);

}  // namespace bitgauge
