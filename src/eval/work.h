#pragma once

// Jobs that libllama may end: run here, or in a child that can die without taking anything along.

#include "bitgauge/eval.h"

#include "eval/capture.h"

namespace bitgauge {

// Runs the job where `isolation` says. An Error of a child arrives as itself; a child that libllama
// ended is an Error(kInput) with libllama's last words.
CaptureReport run_capture(const CaptureJob& job, const Isolation& isolation, Progress& progress);

}  // namespace bitgauge
