#pragma once

// Options of every command that chooses types.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bitgauge/cost.h"

namespace bitgauge {

struct MixArguments {
    std::vector<std::string> pins, fewest_bits, pools, types, weights;
    bool no_iq = false;
    bool ties = false;
    bool worst = false;
};

void add_mix_options(CLI::App& command, MixArguments& a);

// Error(kInput) for text that is not PATTERN=VALUE.
MixOptions mix_options(const MixArguments& a);

}  // namespace bitgauge
