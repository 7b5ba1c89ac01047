#pragma once

// One model over windows of text, adding up the squares of every matrix's inputs.

#include <filesystem>
#include <string>

#include "bitgauge/progress.h"

#include "base/json.h"
#include "eval/model_pass.h"

namespace bitgauge {

struct ImportanceJob {
    std::filesystem::path model;
    std::filesystem::path windows;   // windows.gguf; all tokens of each are read
    size_t first = 0, last = 0;      // of them: [first, last)
    std::filesystem::path folder;    // of checkpoints and the result
    std::string identity;            // of all that decides the values; one per folder
    std::filesystem::path start;     // sums to add to; empty: none
    bool prediction = false;         // the first prediction layer as well; of a whole model alone
    bool head = false;               // the inputs of the output head as well
    double checkpoint_seconds = 30;  // as ImportanceOptions
    PassShape shape;
    EngineOptions engine;
    StageWay way;
};

constexpr const char* kImportanceJob = "importance";
Json to_json(const ImportanceJob& job);
ImportanceJob importance_job_from_json(const Json& json);

// Where measure_sums() leaves what it found: exact sums (ImportanceFormat::kCheckpoint).
std::filesystem::path sums_path(const ImportanceJob& job);

// Goes on where an earlier run of the same job was stopped, to the same bits. Loads the model in
// this process, which libllama may end. Error(kNotFinite) where an input is NaN or infinite.
void measure_sums(const ImportanceJob& job, Progress& progress);

}  // namespace bitgauge
