#include "engine/tiny_model_tables_testing.h"

namespace bitgauge {
namespace {

// Gated delta net: 4 heads of values on 2 of keys, 32 wide.
TinyKeys delta_net() {
    return {{"ssm.conv_kernel", 4},
            {"ssm.inner_size", 128},
            {"ssm.state_size", 32},
            {"ssm.time_step_rank", 4},
            {"ssm.group_count", 2}};
}

}  // namespace

std::vector<TinyModel> tiny_recurrent_models() {
    return {
        {.name = "qwen35moe",
         .architecture = "qwen35moe",
         .keys = delta_net() + experts_and_shared() +
                 TinyKeys{{"full_attention_interval", 4},
                          {"rope.dimension_sections", PerLayer{4, 4, 4, 0}}}},
    };
}

}  // namespace bitgauge
