#pragma once

// The whole program behind main(): parses, runs one command, turns errors into messages and
// statuses.

#include <memory>

#include <CLI/CLI.hpp>

#include "cli/console.h"

namespace bitgauge {

// All commands with all their options; their callbacks keep a reference to `console`.
std::unique_ptr<CLI::App> make_program(Console& console);

// Exit status: 0 done, else the int of an ErrorKind. Throws nothing.
int run_program(int argc, const char* const* argv);

}  // namespace bitgauge
