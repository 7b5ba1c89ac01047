#pragma once

// The half of `bitgauge imatrix` that evaluates a model; without the engine it says so.

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bitgauge/eval.h"

#include "cli/console.h"

namespace bitgauge {

struct MeasureImportance {
    std::filesystem::path original;
    std::filesystem::path out;
    std::string protocol = "documents";
    ImportanceOptions options;
    bool json = false;
};

void add_measuring_options(CLI::App& command, MeasureImportance& a);

// Measures and prints what was written.
void run_measuring(MeasureImportance& a, Console& console);

}  // namespace bitgauge
