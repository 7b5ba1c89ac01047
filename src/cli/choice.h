#pragma once

// A value that is one of a few names.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace bitgauge {

// The check of such an option: what else is typed is refused with the names, the nearest first.
CLI::Validator one_of(std::vector<std::string> names);

}  // namespace bitgauge
