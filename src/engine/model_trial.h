#pragma once

// A model tried out where libllama may end the process, before it is loaded where it may not.

#include <filesystem>

#include "bitgauge/engine.h"
#include "bitgauge/progress.h"

#include "base/json.h"

namespace bitgauge {

constexpr const char* kTrialJob = "trial";

// Loads the model, makes a context of `shape` and reads a few tokens in it; where `isolation` names
// a program, in a child of it. Error(kInput) with libllama's words for a file that it refuses or
// ends at, Error(kEnvironment) for want of memory.
void try_model(const std::filesystem::path& path, const ContextShape& shape,
               const EngineOptions& engine, const Isolation& isolation, Progress& progress);

// The child's side.
Json do_model_trial(const Json& job);

}  // namespace bitgauge
