#pragma once

// Better rounding in the same bytes: the integers of a quantized model are chosen with error
// feedback (LDLQ, Chee et al. 2023, which is GPTQ of Frantar et al. 2022 in other words) on the
// scales of the ordinary encoders, matrix after matrix in the order of the evaluation, each against
// what the model that is quantized up to there gives it to read.
//
// Units: errors are mean squares of a matrix' outputs, relative to the mean square of the
// original's.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bitgauge/eval.h"
#include "bitgauge/progress.h"
#include "bitgauge/text.h"

namespace bitgauge {

struct FeedbackOptions {
    std::vector<std::filesystem::path> texts;
    // Each token is read once.
    Protocol protocol{.window_tokens = 512, .warmup_tokens = 0};
    std::map<std::string, std::string> types;  // tensor -> ggml's name; absent ones stay
    std::filesystem::path importance;          // for tensors that no product shows; empty: none
    // Most memory for second moments and factors of matrices that are rounded at once, of which
    // there is always one; 0: a quarter of what is free.
    uint64_t moment_bytes = 0;
    uint32_t ubatch_tokens = 0;  // as BaselineOptions
    EngineOptions engine;
    Isolation isolation;
};

// What became of a tensor.
struct RoundedTensor {
    std::string name;
    std::string type;
    uint64_t matrices = 0;       // of them all, and ...
    uint64_t with_feedback = 0;  // ... those where feedback was better than nearest rounding
    uint64_t fewest_tokens = 0;  // that one of its matrices was rounded from
    double predicted_gain = 1;   // error with feedback over without, expected from the inputs alone
    double nearest_error = 0;    // on tokens that nothing was chosen from
    double feedback_error = 0;
    double damping = 0;  // mean over matrices
    double correction = 0;
};

struct FeedbackOutcome {
    std::string identity;  // content key of all that decides the bytes
    uint64_t windows = 0;
    uint64_t tokens = 0;
    std::vector<RoundedTensor> tensors;  // in the order they were rounded
    std::string evaluation;              // whole or staged, and why
};

// Rounds the tensors of `original` that `options.types` names into `folder`, one file each
// (gguf/tensor_file.h), which QuantizeJob::rounded takes. Tensors that feedback cannot serve (no
// product shows their inputs, or a type without integers to choose) are rounded to the nearest and
// left out of `folder`. Goes on with the matrix where it was stopped. Errors as
// measure_importance()'s; Error(kInput) for too little text or a type that a tensor cannot have.
FeedbackOutcome round_with_feedback(const std::filesystem::path& original,
                                    const std::filesystem::path& folder,
                                    const FeedbackOptions& options, Progress& progress);

// Tensor -> type -> error with feedback over that of nearest rounding, both on tokens that nothing
// was chosen from; at most 1.
using FeedbackGains = std::map<std::string, std::map<std::string, double>>;

// What feedback will save, for plans: in each of `types` (ggml's names) that a tensor of
// `options.types` can have, found on some rows with the original's inputs. Less than
// round_with_feedback() will save, which also makes good what earlier matrices lost. Kept in
// `folder`, where the same call finds it. Errors as above.
FeedbackGains measure_feedback_gains(const std::filesystem::path& original,
                                     const std::filesystem::path& folder,
                                     const FeedbackOptions& options,
                                     const std::vector<std::string>& types, Progress& progress);

}  // namespace bitgauge
