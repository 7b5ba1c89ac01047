#pragma once

// Which server files come from, as commands that fetch are told.

#include <string>

#include <CLI/CLI.hpp>

#include "bitgauge/hub.h"

namespace bitgauge {

struct HubArguments {
    std::string endpoint;  // empty: the environment's
    bool offline = false;
};

// The environment's, but for what was given.
HubOptions hub_options(const HubArguments& arguments);

// --endpoint and --offline.
void add_hub_options(CLI::App& command, HubArguments& arguments, const char* group);

}  // namespace bitgauge
