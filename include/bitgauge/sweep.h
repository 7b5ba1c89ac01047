#pragma once

// Which tensors of a model deserve the bits: each is disturbed alone, many in one pass over a text,
// and what that does to the model's output is measured.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/eval.h"
#include "bitgauge/progress.h"
#include "bitgauge/store.h"
#include "bitgauge/sweep_table.h"

namespace bitgauge {

// The part of a sweep that this machine does: tensors index, index + count, ...
struct SweepShare {
    uint32_t index = 0;
    uint32_t count = 1;
};

struct SweepOptions {
    std::vector<std::filesystem::path> texts;
    Protocol protocol{.window_tokens = 512, .warmup_tokens = 64};
    uint64_t tokens = 8192;             // scored, of each probe (about: whole windows)
    uint64_t reference_tokens = 32768;  // scored, of whole mixes
    std::vector<uint64_t> sizes;        // of files to be planned: a mix near each is measured, too
    std::filesystem::path importance;   // empty: none
    bool full = false;                  // every tensor, not only every `every`-th layer
    uint32_t every = 8;
    SweepShare share;
    std::filesystem::path work;  // kept while the sweep is not complete
    EngineOptions engine;
    Isolation isolation;
};

struct SweepOutcome {
    SweepTable table;
    size_t measured = 0;  // probes of this call
    size_t reused = 0;    // that the store had
    bool complete = false;
};

// Sweeps `original`; each finished tensor is in the store, so the same call goes on where one was
// killed. Errors as make_baseline's and measure()'s.
SweepOutcome sweep_model(const std::filesystem::path& original, const SweepOptions& options,
                         Store& store, Progress& progress);

}  // namespace bitgauge
