#pragma once

// One model over a text twice, side by side, layer after layer: as it is, and quantized up to the
// matrix in work, which is rounded against both.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "bitgauge/feedback.h"
#include "bitgauge/gguf.h"

#include "base/json.h"
#include "eval/model_pass.h"

namespace bitgauge {

struct RoundingJob {
    std::filesystem::path model;
    std::filesystem::path windows;  // windows.gguf; all tokens of each are read
    std::filesystem::path folder;   // of the rounded tensors
    std::filesystem::path scratch;  // folder for states and inputs
    std::string identity;           // of all that decides the bytes
    std::map<std::string, std::string> types;
    std::filesystem::path importance;
    uint64_t moment_bytes = 0;
    PassShape shape;
    EngineOptions engine;
    StageWay way;
};

constexpr const char* kRoundingJob = "rounding";
Json to_json(const RoundingJob& job);
RoundingJob rounding_job_from_json(const Json& json);

Json to_json(const RoundedTensor& tensor);
RoundedTensor rounded_tensor_from_json(const Json& json);

// Keys of a rounded tensor's file.
constexpr const char* kRoundingIdentityKey = "bitgauge.rounding.identity";
constexpr const char* kRoundingReportKey = "bitgauge.rounding.report";

// The file of a tensor that was rounded for this job, now or earlier.
std::optional<GgufFile> open_rounded_tensor(const RoundingJob& job, const std::string& tensor);

// Goes on where an earlier run of the same identity was stopped. Loads the model in this process,
// which libllama may end. The names of the tensors in the order they were rounded.
std::vector<std::string> round_in_order(const RoundingJob& job, Progress& progress);

}  // namespace bitgauge
