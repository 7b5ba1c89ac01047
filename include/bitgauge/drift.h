#pragma once

// How long a quantized model writes word for word what its original writes: greedy continuations of
// the same beginnings, compared token by token.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/drift_record.h"
#include "bitgauge/engine.h"
#include "bitgauge/estimate.h"
#include "bitgauge/identity.h"
#include "bitgauge/progress.h"

namespace bitgauge {

struct DriftOptions {
    uint32_t prompts = 300;        // windows of the baseline, as many of one stratum as of another
    uint32_t prompt_tokens = 128;  // of each window, from its beginning
    uint32_t tokens = 128;         // written after it
    uint32_t parallel = 16;        // written at a time
    EngineOptions engine;
    Isolation isolation;
};

// One candidate: after how many tokens each of its continuations leaves the original's; `tokens`
// where it does not, also where both end before.
struct Drift {
    ModelIdentity model;
    std::vector<uint32_t> same_tokens;  // one per prompt
    double elapsed_s = 0;               // 0 where its continuations were kept
};

struct DriftOutcome {
    std::string baseline_key;
    std::string beginnings_key;  // of the prompts, in their order
    std::vector<std::string> strata;
    std::vector<uint32_t> stratum;  // of each prompt; index into `strata`
    std::vector<uint32_t> cluster;  // of each prompt: its document
    uint32_t clusters = 0;
    uint32_t prompt_tokens = 0;
    uint32_t tokens = 0;
    uint32_t parallel = 0;
    // The original against itself, each continuation written alone: what rounding in the runtime
    // does. A share of prompts below it says nothing.
    Drift floor;
    std::vector<Drift> candidates;  // as the files were given
};

// Share of prompts whose first `tokens` are the same, with an interval over documents. `within`: a
// stratum, or -1 for all.
Estimate identical_share(const DriftOutcome& outcome, const Drift& drift, uint32_t tokens,
                         int32_t within = -1);
// Half of the continuations leave earlier.
double median_same_tokens(const Drift& drift);

// One per candidate, for the store.
std::vector<DriftRecord> drift_records(const DriftOutcome& outcome, const EngineOptions& engine);

// Continuations are kept in the baseline's folder, the original's too: `original` is needed only
// where they are not there yet. Every continuation is on disk as soon as it is complete. Errors as
// measure()'s; kInput where windows are shorter than the prompt, or the original is needed and not
// named, or another file than the baseline's.
DriftOutcome measure_drift(std::span<const std::filesystem::path> files,
                           const std::filesystem::path& baseline,
                           const std::filesystem::path& original, const DriftOptions& options,
                           Progress& progress);

}  // namespace bitgauge
