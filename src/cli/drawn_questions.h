#pragma once

// Which questions a command puts: options, and the draw.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bitgauge/progress.h"
#include "bitgauge/questions.h"

namespace bitgauge {

struct DrawArguments {
    std::string mix;
    std::filesystem::path folder;                  // of the mix's sets
    std::vector<std::filesystem::path> questions;  // files
    uint64_t count = 0;                            // of each file; 0: all
    uint64_t seed = 0;
    uint32_t shots = 0;
};

void add_draw_options(CLI::App& command, DrawArguments& a);

// What the questions are called: the mix, or the files.
std::string name_of(const DrawArguments& a);

// Says what was left out. Error(kInput) where nothing was named, or nothing is left.
DrawnQuestions draw(const DrawArguments& a, Progress& progress);

}  // namespace bitgauge
