#include "engine/tiny_model_tables_testing.h"

namespace bitgauge {

TinyKeys experts() {
    return {{"expert_count", 8}, {"expert_used_count", 2}, {"expert_feed_forward_length", 64}};
}

TinyKeys experts_and_shared() {
    return experts() +
           TinyKeys{{"expert_shared_count", 1}, {"expert_shared_feed_forward_length", 96}};
}

std::vector<TinyModel> tiny_expert_models() {
    return {
        {.name = "llama-moe", .architecture = "llama", .keys = experts()},
    };
}

}  // namespace bitgauge
