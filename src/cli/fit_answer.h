#pragma once

// What fits where: models, a machine and a wish become an answer.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/placement.h"
#include "bitgauge/progress.h"

#include "cli/fit_models.h"

namespace bitgauge {

struct FitWish {
    uint64_t tokens = 0;  // of the context; 0: 8192, or fewer that the model was trained for
    std::string key_type = "f16";
    std::string value_type = "f16";
    uint32_t call_tokens = 512;
    std::filesystem::path store;  // records to choose by; "" or absent: none
};

struct FitRow {
    const FitFile* file = nullptr;
    ContextMemory context;  // as asked for
    Placement placement;
    uint64_t largest_context = 0;    // placed as well as it is for the one asked for
    uint64_t largest_anywhere = 0;   // placed in any way
    std::optional<double> kld_nats;  // of the store's record of this file
};

struct FitAnswer {
    FitWish wish;  // its tokens are never 0
    Machine machine;
    FitModels models;
    std::vector<FitRow> rows;  // as models.files
    // Into rows: of those with the best placement the one with the least divergence, where several
    // are measured, else the largest.
    std::optional<size_t> best;
    bool by_divergence = false;

    uint64_t trained_context(const FitRow& row) const;  // tokens; 0: the header does not say
};

// Error(kInput) for keys and values that a context cannot have, and what libllama refuses.
FitAnswer answer_fit(FitModels models, const Machine& machine, const FitWish& asked,
                     const std::filesystem::path& scratch, Progress& progress);

}  // namespace bitgauge
