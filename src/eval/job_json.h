#pragma once

// What jobs of several kinds say alike to a child process.

#include "base/json.h"
#include "eval/model_pass.h"

namespace bitgauge {

Json to_json(const PassShape& shape);
PassShape pass_shape_from_json(const Json& json);

Json to_json(const EngineOptions& engine);
EngineOptions engine_from_json(const Json& json);

Json to_json(const StageWay& way);
StageWay stage_way_from_json(const Json& json);

}  // namespace bitgauge
