#pragma once

// "Did you mean": what could have been typed instead.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/nearest_name.h"

namespace bitgauge {

// After a failed parse: the first argument that no option or command took; "" when there is none.
// An option's value is cut off ("--jsno=1" -> "--jsno").
std::string unknown_argument(const CLI::App& app);

// Not for people to call: neither in the help nor suggested.
bool is_hidden(const CLI::App& command);

// What could have been typed instead: the options of the called command, or the commands' names.
std::vector<std::string> known_names(const CLI::App& app);

}  // namespace bitgauge
