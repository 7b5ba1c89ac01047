#pragma once

// What a plan stands on: a sweep of the model, or a guess from another model's.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/gguf.h"
#include "bitgauge/prior.h"
#include "bitgauge/progress.h"
#include "bitgauge/recipe.h"

namespace bitgauge {

struct PlanBasis {
    SweepTable table;
    std::vector<Sensitivity> sensitivities;  // one per tensor of the table
    Calibration calibration;
    bool importance = false;         // types that need it may be chosen
    std::vector<std::string> guess;  // what of it is a guess, for people; empty: nothing
    std::string prior;               // name of the model that was guessed from
};

// The store's newest sweep of this very file.
PlanBasis swept_basis(const GgufFile& file, const std::filesystem::path& store);

struct GuessOptions {
    std::filesystem::path priors;      // folder of the user's own
    std::string prior;                 // by name; empty: the nearest
    std::filesystem::path importance;  // empty: none
    bool as_if_importance = false;     // though there is no file of it
    std::vector<std::string> types;    // whose errors are needed
    uint32_t threads = 0;              // 0: one per core
};

// Every quantized type that can be encoded, for guesses about any recipe.
std::vector<std::string> quantized_types();

// Errors of types from really encoding a sample of each tensor; where the file is only a header,
// those of normally distributed weights.
PlanBasis guessed_basis(const GgufFile& file, const ModelHeader& model, const GuessOptions& options,
                        Progress& progress);

}  // namespace bitgauge
