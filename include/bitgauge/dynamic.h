#pragma once

// The best files of a model for some sizes: importance, sweep, plan, check on text that nobody has
// used, quantization, in one chain that goes on where it was stopped.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/feedback.h"
#include "bitgauge/quantize.h"
#include "bitgauge/stats.h"
#include "bitgauge/sweep.h"
#include "bitgauge/text.h"

namespace bitgauge {

struct DynamicOptions {
    // Shared out between importance, sweep and verification, so that no text serves two of them.
    std::vector<std::filesystem::path> texts;
    std::vector<std::filesystem::path> held_out;  // for verification, instead of a share of `texts`
    std::filesystem::path importance;             // empty: measured
    std::vector<uint64_t> sizes;                  // of the files, bytes
    MixOptions mix;
    SweepOptions sweep;              // texts, importance and work are set by the chain
    uint64_t verify_tokens = 65536;  // scored, of the held-out text
    double promise_margin = 0.15;    // relative; beyond it the plan is made again
    // The files are rounded with error feedback over the text of the importance, and planned so. A
    // promise is then what the file itself has on the sweep's text.
    bool feedback = true;
    std::filesystem::path out;  // folder of the files
    EngineOptions engine;
    Isolation isolation;
};

// A static recipe beside the plan.
struct PresetResult {
    std::string name;
    uint64_t file_bytes = 0;
    MeasureRecord record;
    PairedComparison plan_against_it;  // mean divergence of the plan over the preset's
};

struct DynamicFile {
    std::filesystem::path path;
    std::string recipe;  // "plan", or the preset that was better
    MixPlan plan;
    Estimate promised;     // before the held-out text was read
    MeasureRecord record;  // of the file, on the held-out text
    double noise_floor_nats = 0;
    int plans = 1;             // that it took to keep the promise
    bool kept_promise = true;  // within the margin above the noise floor
    FeedbackOutcome rounding;  // without tensors where the file was rounded to the nearest
    std::vector<PresetResult> presets;
};

struct DynamicOutcome {
    SweepTable sweep;
    Calibration calibration;
    TextOverlap overlap;  // of the held-out text with what importance and sweep have read
    std::vector<DynamicFile> files;
};

// Files that are there already are measured again only where the store has no record of them.
// Errors as of the steps; Error(kInput) with the range for a size that cannot be had.
DynamicOutcome make_dynamic(const std::filesystem::path& original, const DynamicOptions& options,
                            Store& store, Progress& progress);

}  // namespace bitgauge
