#include "eval/job_json.h"

namespace bitgauge {

Json to_json(const PassShape& shape) {
    return {{"window_tokens", shape.window_tokens},
            {"sequences", shape.sequences},
            {"ubatch_tokens", shape.ubatch_tokens}};
}

PassShape pass_shape_from_json(const Json& json) {
    return {.window_tokens = json.at("window_tokens"),
            .sequences = json.at("sequences"),
            .ubatch_tokens = json.at("ubatch_tokens")};
}

Json to_json(const EngineOptions& engine) {
    return {{"threads", engine.threads},
            {"gpu_layers", engine.gpu_layers},
            {"stages", engine.stages},
            {"single_precision", engine.single_precision}};
}

EngineOptions engine_from_json(const Json& json) {
    return {.threads = json.at("threads"),
            .gpu_layers = json.at("gpu_layers"),
            .stages = json.at("stages"),
            .single_precision = json.at("single_precision")};
}

Json to_json(const StageWay& way) {
    return {{"staged", way.staged},
            {"stages", way.stages},
            {"two_resident", way.two_resident},
            {"forget_pages", way.forget_pages},
            {"text", way.text}};
}

StageWay stage_way_from_json(const Json& json) {
    return {.staged = json.at("staged"),
            .stages = json.at("stages"),
            .two_resident = json.at("two_resident"),
            .forget_pages = json.at("forget_pages"),
            .text = json.at("text")};
}

}  // namespace bitgauge
