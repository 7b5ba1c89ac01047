#pragma once

// The best files of a model for some sizes: importance, sweep, plan, check on text that nobody has
// used, quantization, in one chain that goes on where it was stopped.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/feedback.h"
#include "bitgauge/quantize.h"
#include "bitgauge/stats.h"
#include "bitgauge/sweep.h"
#include "bitgauge/text.h"

namespace bitgauge {

// What plans are made from where the model is not swept: another model's sensitivities.
struct PlanGuess {
    SweepTable table;  // tensors with the errors of their types; no key, no probes
    std::vector<Sensitivity> sensitivities;
    Calibration calibration;
    std::string prior;               // the other model's name
    std::vector<std::string> about;  // what of it is a guess, for people
};

struct DynamicOptions {
    // Shared out between importance, sweep and verification, so that no text serves two of them.
    std::vector<std::filesystem::path> texts;
    std::vector<std::filesystem::path> held_out;  // for verification, instead of a share of `texts`
    std::filesystem::path importance;             // empty: measured
    std::vector<uint64_t> sizes;                  // of the files, bytes
    MixOptions mix;
    // Called with the importance, in place of a sweep: plans then promise nothing, but are verified
    // all the same. Empty: the model is swept.
    std::function<PlanGuess(const std::filesystem::path& importance)> guess;
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
    Estimate promised;     // before the held-out text was read; of a guess, without interval
    MeasureRecord record;  // of the file, on the held-out text
    double noise_floor_nats = 0;
    int plans = 1;             // that it took to keep the promise
    bool kept_promise = true;  // within the margin above the noise floor; always, of a guess
    FeedbackOutcome rounding;  // without tensors where the file was rounded to the nearest
    std::vector<PresetResult> presets;
};

struct DynamicOutcome {
    SweepTable sweep;                // without a key where the plans are guesses
    std::vector<std::string> guess;  // what of the plans is one; empty: nothing
    Calibration calibration;
    TextOverlap overlap;  // of the held-out text with what importance and sweep have read
    std::vector<DynamicFile> files;
};

// Files that are there already are measured again only where the store has no record of them.
// Errors as of the steps; Error(kInput) with the range for a size that cannot be had.
DynamicOutcome make_dynamic(const std::filesystem::path& original, const DynamicOptions& options,
                            Store& store, Progress& progress);

}  // namespace bitgauge
