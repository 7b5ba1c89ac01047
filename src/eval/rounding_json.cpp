// What a rounding pass is told, and what it says of a tensor, as JSON.

#include "eval/job_json.h"
#include "eval/rounding_pass.h"

namespace bitgauge {

Json to_json(const RoundingJob& job) {
    return {{"job", kRoundingJob},
            {"model", job.model.string()},
            {"windows", job.windows.string()},
            {"folder", job.folder.string()},
            {"scratch", job.scratch.string()},
            {"identity", job.identity},
            {"types", job.types},
            {"importance", job.importance.string()},
            {"moment_bytes", job.moment_bytes},
            {"shape", to_json(job.shape)},
            {"engine", to_json(job.engine)},
            {"way", to_json(job.way)}};
}

RoundingJob rounding_job_from_json(const Json& json) {
    return {.model = json.at("model").get<std::string>(),
            .windows = json.at("windows").get<std::string>(),
            .folder = json.at("folder").get<std::string>(),
            .scratch = json.at("scratch").get<std::string>(),
            .identity = json.at("identity"),
            .types = json.at("types").get<std::map<std::string, std::string>>(),
            .importance = json.at("importance").get<std::string>(),
            .moment_bytes = json.at("moment_bytes"),
            .shape = pass_shape_from_json(json.at("shape")),
            .engine = engine_from_json(json.at("engine")),
            .way = stage_way_from_json(json.at("way"))};
}

Json to_json(const RoundedTensor& tensor) {
    return {{"name", tensor.name},
            {"type", tensor.type},
            {"matrices", tensor.matrices},
            {"with_feedback", tensor.with_feedback},
            {"fewest_tokens", tensor.fewest_tokens},
            {"predicted_gain", tensor.predicted_gain},
            {"nearest_error", tensor.nearest_error},
            {"feedback_error", tensor.feedback_error},
            {"damping", tensor.damping},
            {"correction", tensor.correction}};
}

RoundedTensor rounded_tensor_from_json(const Json& json) {
    return {.name = json.at("name"),
            .type = json.at("type"),
            .matrices = json.at("matrices"),
            .with_feedback = json.at("with_feedback"),
            .fewest_tokens = json.at("fewest_tokens"),
            .predicted_gain = json.at("predicted_gain"),
            .nearest_error = json.at("nearest_error"),
            .feedback_error = json.at("feedback_error"),
            .damping = json.at("damping"),
            .correction = json.at("correction")};
}

}  // namespace bitgauge
