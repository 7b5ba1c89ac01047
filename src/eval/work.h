#pragma once

// Jobs that libllama may end: run here, or in a child that can die without taking anything along.

#include "bitgauge/eval.h"

#include "eval/capture.h"

namespace bitgauge {

// Runs a job (its key "job" says which kind, "model" names the file) where `isolation` says and
// returns its outcome; `folder` is for the words between the two. An Error of a child arrives as
// itself; a child that libllama ended is an Error(kInput) with libllama's last words, or an
// Error(kEnvironment) when they, or the system, ended it for memory.
Json run_job(const Json& job, const std::filesystem::path& folder, const Isolation& isolation,
             Progress& progress);

// Chooses between the whole model and stages, then runs the job so.
CaptureReport run_capture(CaptureJob job, const Isolation& isolation, Progress& progress);

}  // namespace bitgauge
