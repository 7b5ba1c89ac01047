#include "eval/speed_job.h"

#include <fmt/format.h>

#include "eval/job_json.h"

namespace bitgauge {
namespace {

Json to_json(const SpeedShape& shape) {
    return {{"prompt", shape.prompt},      {"generate", shape.generate},
            {"depth", shape.depth},        {"sequences", shape.sequences},
            {"batch", shape.batch_tokens}, {"ubatch", shape.ubatch_tokens}};
}

SpeedShape shape_from_json(const Json& json) {
    return {.prompt = json.at("prompt"),
            .generate = json.at("generate"),
            .depth = json.at("depth"),
            .sequences = json.at("sequences"),
            .batch_tokens = json.at("batch"),
            .ubatch_tokens = json.at("ubatch")};
}

std::string names_of(const std::vector<std::filesystem::path>& files) {
    std::string names;
    for (const auto& file : files) names += (names.empty() ? "" : "' or '") + file.string();
    return names;
}

// One shape: a context per file, then turns, every other round in reverse order.
std::vector<std::vector<double>> take_turns(std::vector<SpeedModel>& models,
                                            const SpeedShape& shape, uint32_t repetitions,
                                            Progress& progress) {
    std::vector<SpeedRun> runs;
    for (SpeedModel& model : models) runs.emplace_back(model, shape);
    std::vector<std::vector<double>> seconds(models.size());
    for (uint32_t round = 0; round < repetitions; ++round) {
        for (size_t turn = 0; turn < runs.size(); ++turn) {
            const size_t file = round % 2 == 0 ? turn : runs.size() - 1 - turn;
            seconds[file].push_back(runs[file].seconds());
            progress.advance(1);
        }
    }
    return seconds;
}

}  // namespace

Json to_json(const SpeedJob& job) {
    Json json = {{"job", kSpeedJob},
                 {"model", names_of(job.files)},  // what an end of libllama is told of
                 {"files", Json::array()},
                 {"shapes", Json::array()},
                 {"repetitions", job.repetitions},
                 {"engine", to_json(job.engine)}};
    for (const auto& file : job.files) json["files"].push_back(file.string());
    for (const SpeedShape& shape : job.shapes) json["shapes"].push_back(to_json(shape));
    return json;
}

SpeedJob speed_job_from_json(const Json& json) {
    SpeedJob job{.repetitions = json.at("repetitions"),
                 .engine = engine_from_json(json.at("engine"))};
    for (const Json& file : json.at("files")) job.files.emplace_back(file.get<std::string>());
    for (const Json& shape : json.at("shapes")) job.shapes.push_back(shape_from_json(shape));
    return job;
}

SpeedSeconds time_in_turns(const SpeedJob& job, Progress& progress) {
    std::vector<SpeedModel> models;
    progress.begin("loading", static_cast<int64_t>(job.files.size()), "files");
    for (const auto& file : job.files) {
        models.emplace_back(file, job.engine);
        progress.advance(1);
    }
    const size_t runs = job.files.size() * job.shapes.size() * job.repetitions;
    progress.begin("timing", static_cast<int64_t>(runs), "runs");
    SpeedSeconds seconds;
    for (const SpeedShape& shape : job.shapes) {
        seconds.push_back(take_turns(models, shape, job.repetitions, progress));
    }
    return seconds;
}

}  // namespace bitgauge
