#pragma once

// Whether a model is evaluated as a whole or in stages: by what fits in memory, by what the user
// asked for, and by whether the cut model computes the same bits.

#include "bitgauge/eval.h"
#include "bitgauge/hardware.h"

#include "base/json.h"
#include "eval/model_pass.h"

namespace bitgauge {

// Whole where the model fits, else staged, one stage computing while the next is read; whole after
// all, with a warning, where the model cannot be cut or the cut gives other bits. The check runs
// where `isolation` says; its outcome is kept in the cache folder for this file and this libllama.
// `room` is the memory that may be taken. Error(kEnvironment) when not even one stage fits in it,
// before anything is checked, or when the check runs out of it.
StageWay choose_way(const std::filesystem::path& model, const PassShape& shape,
                    const EngineOptions& engine, const Isolation& isolation,
                    const std::filesystem::path& scratch, Progress& progress,
                    const MemoryRoom& room = available_memory());

constexpr const char* kCutCheckJob = "cut-check";
// The child's part of it.
Json do_cut_check(const Json& job);

}  // namespace bitgauge
