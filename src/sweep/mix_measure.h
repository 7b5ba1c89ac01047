#pragma once

// Whole mixes of types measured without writing a file: the numbers of the files they stand for.

#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/eval.h"
#include "bitgauge/store.h"

namespace bitgauge {

struct NamedMix {
    std::string name;  // in records, in place of a file's
    Mix mix;           // tensors that are absent, or in their own type, stay
    uint64_t file_bytes = 0;
};

struct MixMeasureJob {
    std::filesystem::path original;
    std::filesystem::path importance;  // empty: none
    std::filesystem::path baseline;
    EngineOptions engine;
    Isolation isolation;
};

// One record per mix, in order; those that the store has are not evaluated again, and new ones are
// kept there. Errors as measure_variants()'.
std::vector<MeasureRecord> measure_mixes(const MixMeasureJob& job,
                                         const std::vector<NamedMix>& mixes, Store& store,
                                         Progress& progress);

// EngineOptions whose stages are as fine as the model allows: variants share what lies before
// their first change.
EngineOptions finest_stages(EngineOptions engine);

}  // namespace bitgauge
