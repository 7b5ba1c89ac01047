#pragma once

// The part of a bench that libllama may end: files loaded side by side and timed in turns.

#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/progress.h"

#include "base/json.h"
#include "engine/speed_run.h"

namespace bitgauge {

struct SpeedJob {
    std::vector<std::filesystem::path> files;
    std::vector<SpeedShape> shapes;
    uint32_t repetitions = 5;  // 0: files are loaded and warmed up, no more
    EngineOptions engine;
};

constexpr const char* kSpeedJob = "speed";
Json to_json(const SpeedJob& job);
SpeedJob speed_job_from_json(const Json& json);

// Seconds by shape, file and repetition.
using SpeedSeconds = std::vector<std::vector<std::vector<double>>>;
SpeedSeconds time_in_turns(const SpeedJob& job, Progress& progress);

}  // namespace bitgauge
