#pragma once

// The machine that `bitgauge fit` asks about: given by hand, known by name, or this one.

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bitgauge/placement.h"

namespace bitgauge {

struct MachineArguments {
    std::vector<std::string> vram;  // "24GiB", "2x24GiB"
    std::string ram;
    std::string unified;
    std::string device;
    std::optional<double> bandwidth;      // GB/s, of cards or unified memory
    std::optional<double> ram_bandwidth;  // GB/s
    uint32_t threads = 0;                 // that this machine's memory is read with
};

void add_machine_options(CLI::App& command, MachineArguments& a);

// What this machine's drivers and kernel say is free now, as far as libllama can use it; rates are
// not known.
Machine memories_here();

// Error(kInput) for what cannot be read, or contradicts itself. Without a word about memory this
// machine, whose memory is read for a second.
Machine machine_of(const MachineArguments& a);

}  // namespace bitgauge
