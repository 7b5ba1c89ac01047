#pragma once

// In what two baselines differ, for people.

#include <string>

#include "eval/baseline_folder.h"

namespace bitgauge {

// The first of original, text, protocol, number of windows, shape of the calls and precision in
// which they differ, with both values: "its original is 'a.gguf' (...), not 'b.gguf' (...)".
std::string baseline_difference(const BaselineManifest& its, const BaselineManifest& wanted);

}  // namespace bitgauge
