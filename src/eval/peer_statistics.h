#pragma once

// Everything `llama-perplexity --kl-divergence` prints, by its own names and formulas, so that a
// run can be laid beside it digit for digit. Its +- takes tokens as independent (docs/metrics.md
// says what that hides).

#include <map>
#include <string>

#include "eval/divergence_pass.h"

namespace bitgauge {

// Names: "Mean PPL(Q)", "99.9% KLD", "RMS Δp", ...; a printed uncertainty is "<name> ±".
// Percentages as printed (times 100). Source: llama.cpp tools/perplexity/perplexity.cpp,
// kl_divergence(). Only finite positions count. Empty below two positions.
std::map<std::string, double> peer_statistics(const PositionValues& values);

}  // namespace bitgauge
