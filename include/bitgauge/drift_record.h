#pragma once

// How long one model wrote what its original writes, beginning by beginning, with everything needed
// to repeat it: `bitgauge.drift-record/1`.

#include <cstdint>
#include <string>
#include <vector>

#include "bitgauge/identity.h"
#include "bitgauge/record.h"

namespace bitgauge {

// One entry per beginning, in the order of the baseline's text.
struct DriftSeries {
    std::vector<uint32_t> stratum;      // index into DriftRecord::strata
    std::vector<uint32_t> cluster;      // its document
    std::vector<uint32_t> same_tokens;  // as the original's; DriftRecord::tokens where all are
};

struct DriftRecord {
    static constexpr const char* kSchema = "bitgauge.drift-record/1";

    std::string key;          // content key: model, baseline, beginnings, lengths, build
    std::string created_utc;  // "2026-11-21T12:00:00Z"
    ModelIdentity model;
    std::string baseline_key;
    ModelIdentity original;
    std::string beginnings_key;  // equal: the same beginnings in the same order
    uint32_t prompt_tokens = 0;
    uint32_t tokens = 0;    // written after each
    uint32_t parallel = 0;  // written at a time
    std::vector<std::string> strata;
    uint32_t clusters = 0;
    DriftSeries beginnings;
    // The original against itself, one at a time, over the first beginnings: a share below it says
    // nothing.
    std::vector<uint32_t> floor_same_tokens;
    BuildIdentity build;
    double elapsed_s = 0;  // of this file's continuations; 0 where they were kept
};

}  // namespace bitgauge
