#pragma once

// One model over a text once, to say what error feedback will save on each of its matrices.

#include <string>
#include <vector>

#include "bitgauge/feedback.h"

#include "eval/rounding_pass.h"

namespace bitgauge {

// `base.types`: the tensors, each with the type that damping is chosen for; `base.folder` is not
// used.
struct GainJob {
    RoundingJob base;
    std::vector<std::string> types;  // ggml's names; those that a tensor cannot have are left out
};

constexpr const char* kGainJob = "gains";
Json to_json(const GainJob& job);
GainJob gain_job_from_json(const Json& json);

// Inputs are the original's: nothing is quantized before. Of many experts a few are looked at.
FeedbackGains find_gains(const GainJob& job, Progress& progress);

}  // namespace bitgauge
