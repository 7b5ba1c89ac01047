#include "eval/capture.h"
#include "eval/job_json.h"

namespace bitgauge {

Json to_json(const CaptureJob& job) {
    return {{"job", "capture"},
            {"kind", static_cast<int>(job.kind)},
            {"baseline", job.baseline.string()},
            {"model", job.model.string()},
            {"windows", job.windows.string()},
            {"out", job.out.string()},
            {"identity", job.identity},
            {"precision", to_string(job.precision)},
            {"shape", to_json(job.shape)},
            {"windows_per_shard", job.windows_per_shard},
            {"shards", job.shards},
            {"noise_floor", job.noise_floor},
            {"engine", to_json(job.engine)},
            {"way", to_json(job.way)}};
}

CaptureJob capture_job_from_json(const Json& json) {
    return {.kind = static_cast<CaptureKind>(json.at("kind").get<int>()),
            .baseline = json.at("baseline").get<std::string>(),
            .model = json.at("model").get<std::string>(),
            .windows = json.at("windows").get<std::string>(),
            .out = json.at("out").get<std::string>(),
            .identity = json.at("identity"),
            .precision = state_precision_by_name(json.at("precision")),
            .shape = pass_shape_from_json(json.at("shape")),
            .windows_per_shard = json.at("windows_per_shard"),
            .shards = json.at("shards").get<std::vector<size_t>>(),
            .noise_floor = json.at("noise_floor"),
            .engine = engine_from_json(json.at("engine")),
            .way = stage_way_from_json(json.at("way"))};
}

Json to_json(const CaptureReport& report) {
    const HeadCheck& check = report.check;
    return {{"reproduced", check.reproduced},  {"scale", check.scale},
            {"softcap", check.softcap},        {"max_abs", check.max_abs},
            {"kld_nats", check.kld_nats},      {"self_kld_nats", check.self_kld_nats},
            {"outcome", check.outcome},        {"noise_floor_nats", report.noise_floor_nats},
            {"vocabulary", report.vocabulary}, {"width", report.width}};
}

CaptureReport capture_report_from_json(const Json& json) {
    return {.check = {.reproduced = json.at("reproduced"),
                      .scale = json.at("scale"),
                      .softcap = json.at("softcap"),
                      .max_abs = json.at("max_abs"),
                      .kld_nats = json.at("kld_nats"),
                      .self_kld_nats = json.at("self_kld_nats"),
                      .outcome = json.at("outcome")},
            .noise_floor_nats = json.at("noise_floor_nats"),
            .vocabulary = json.at("vocabulary"),
            .width = json.at("width")};
}

}  // namespace bitgauge
