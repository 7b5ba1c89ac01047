#pragma once

// The jobs of this room that libllama may end (engine/isolated_job.h).

#include "engine/isolated_job.h"
#include "eval/capture.h"

namespace bitgauge {

// Any job of this room.
Json do_eval_job(const Json& job, Progress& progress);

// run_job() of such a job.
Json run_job(const Json& job, const std::filesystem::path& folder, const Isolation& isolation,
             Progress& progress);

// Chooses between the whole model and stages, then runs the job so.
CaptureReport run_capture(CaptureJob job, const Isolation& isolation, Progress& progress);

}  // namespace bitgauge
