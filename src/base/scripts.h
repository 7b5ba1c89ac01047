#pragma once

// The Python programs that come with bitgauge, and what runs them. Thread-safe.

#include <filesystem>
#include <string>

namespace bitgauge {

// The installed script beside the program, else the one of the source tree. Error(kEnvironment)
// where it is in neither.
std::filesystem::path script_path(const std::string& name);

// BITGAUGE_PYTHON, else the private environment of scripts/setup, else "python3".
std::string script_python();

}  // namespace bitgauge
