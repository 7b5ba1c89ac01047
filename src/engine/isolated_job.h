#pragma once

// Jobs that libllama may end: run here, or in a child that can die without taking anything along.

#include <filesystem>
#include <functional>

#include "bitgauge/engine.h"
#include "bitgauge/progress.h"

#include "base/json.h"

namespace bitgauge {

// Does one job here and returns its outcome. A job's key "job" says which kind it is, "model" names
// the file.
using JobFunction = std::function<Json(const Json& job, Progress& progress)>;

// Runs a job where `isolation` says and returns its outcome; `folder` is for the words between the
// two. An Error of a child arrives as itself; a child that libllama ended is an Error(kInput) with
// libllama's last words, or an Error(kEnvironment) when they, or the system, ended it for memory.
// The program of `isolation` must know the same kinds of jobs as `do_job`.
Json run_job(const Json& job, const std::filesystem::path& folder, const Isolation& isolation,
             Progress& progress, const JobFunction& do_job);

// The child's side: does the job of the file and leaves its outcome beside it. Returns the exit
// status.
int run_worker(const std::filesystem::path& job_file, Progress& progress,
               const JobFunction& do_job);

}  // namespace bitgauge
