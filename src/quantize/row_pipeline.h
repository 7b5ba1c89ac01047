#pragma once

// The work itself: rows are read, decoded, encoded and written, many groups of them at once, whole
// tensors never. Groups go to whichever thread is free, over experts and tensors alike.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bitgauge/importance.h"
#include "bitgauge/progress.h"

#include "base/positioned_file.h"

#include "quantize/output_plan.h"
#include "quantize/rounded_source.h"

namespace bitgauge {

// A tensor of one of the output files.
struct TensorTask {
    const OutputTensor* tensor = nullptr;
    ResumableFile* file = nullptr;
    const ImportanceEntry* entry = nullptr;  // nullptr: encoded without
    const RoundedSource* rounded = nullptr;  // nullptr: encoded here
};

struct PipelineInputs {
    const GgufFile* original = nullptr;
    const Importance* importance = nullptr;
    UnseenExperts unseen = UnseenExperts::kPlain;
    uint32_t threads = 0;
};

// Over the bytes of the tensor as they stand in its part file; "" where that is too short. Equal to
// what `finished` is told.
std::string hash_in_file(const TensorTask& task);

// Encodes or copies all tasks; `finished` is called after the last row of each, from one thread at
// a time. Throws Error(kNotFinite) where an encoded block is not finite, Error(kInterrupted), and
// what reading and writing throw.
void run_pipeline(const std::vector<TensorTask>& tasks, const PipelineInputs& inputs,
                  const std::function<void(const TensorTask&, const std::string& hash)>& finished,
                  Progress& progress);

}  // namespace bitgauge
