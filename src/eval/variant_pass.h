#pragma once

// One pass over a text for a model and many variants of it, each with some tensors in other types.
// Every stage is read once. A variant takes the base's states where its first change stands, and
// costs nothing before.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bitgauge/progress.h"

#include "base/json.h"
#include "eval/capture.h"
#include "eval/encode_tensor.h"

namespace bitgauge {

struct VariantJob {
    std::string identity;       // stands in its shards
    std::filesystem::path out;  // folder of its shards
    VariantUse use = VariantUse::kBlocks;
    std::map<std::string, std::string> types;  // tensor -> ggml's name of a type
};

struct VariantsJob {
    CaptureJob base;                   // states of the original; no shards of it are written
    std::filesystem::path importance;  // for the encoders; empty: none
    std::vector<VariantJob> variants;
};

constexpr const char* kVariantsJob = "variants";
Json to_json(const VariantsJob& job);
VariantsJob variants_job_from_json(const Json& json);

// Writes every variant's shards. A variant whose only changes are behind the final states (the
// output head) gets the base's. Loads models in this process, which libllama may end. Error(kInput)
// for a tensor that the model lacks or a type it cannot have.
void capture_variants(const VariantsJob& job, Progress& progress);

}  // namespace bitgauge
