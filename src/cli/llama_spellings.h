#pragma once

// Options of llama.cpp's programs that begin with one dash and have several letters: people's
// fingers know them, CLI11 takes them for several options of one letter.

#include <string>
#include <vector>

namespace bitgauge {

// The arguments of `bitgauge run` with those options spelled out; of other commands as they are.
std::vector<std::string> with_long_names(int argc, const char* const* argv);

}  // namespace bitgauge
