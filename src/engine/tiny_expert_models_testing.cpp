#include "engine/tiny_model_tables_testing.h"

namespace bitgauge {
namespace {

// One layer more that predicts the token after the next.
TinyKeys one_prediction_layer() {
    return {{"block_count", 9}, {"nextn_predict_layers", 1}};
}

std::vector<TinyModel> models_with_experts_everywhere() {
    return {
        {.name = "llama-moe", .architecture = "llama", .keys = experts() + narrow()},
        {.name = "qwen2moe",
         .architecture = "qwen2moe",
         .keys = experts_and_shared(),
         .biases = true},
        {.name = "qwen3moe", .architecture = "qwen3moe", .keys = experts()},
        {.name = "gpt-oss",
         .architecture = "gpt-oss",
         .keys = experts() + TinyKeys{{"attention.sliding_window", 16}},
         .biases = true},
        {.name = "olmoe",
         .architecture = "olmoe",
         .keys = experts() + narrow() + TinyKeys{{"attention.head_count_kv", 4}}},
        {.name = "phimoe", .architecture = "phimoe", .keys = experts() + narrow(), .biases = true},
        {.name = "minimax-m2",
         .architecture = "minimax-m2",
         .keys = experts() + narrow() +
                 TinyKeys{{"expert_gating_func", kSigmoid}, {"rope.dimension_count", 16}}},
        {.name = "granitemoe",
         .architecture = "granitemoe",
         .keys = experts() + narrow() +
                 TinyKeys{{"logit_scale", 0.75},
                          {"residual_scale", 0.5},
                          {"embedding_scale", 4.0},
                          {"attention.scale", 0.125}},
         .tied = true},
        {.name = "hunyuan-moe",
         .architecture = "hunyuan-moe",
         .keys = experts_and_shared() + narrow(),
         .tied = true},
        {.name = "grok", .architecture = "grok", .keys = experts()},
        {.name = "dbrx",
         .architecture = "dbrx",
         .keys = experts() + narrow() + TinyKeys{{"attention.clamp_kqv", 8.0}}},
        {.name = "bailingmoe",
         .architecture = "bailingmoe",
         .keys = experts_and_shared() + TinyKeys{{"expert_weights_norm", true}}},
        {.name = "arctic", .architecture = "arctic", .keys = experts() + narrow()},
        {.name = "smallthinker",
         .architecture = "smallthinker",
         .keys = experts() + TinyKeys{{"block_count", 16},
                                      {"attention.sliding_window", 16},
                                      {"expert_gating_func", kSigmoid}}},
    };
}

std::vector<TinyModel> models_with_some_layers_of_experts() {
    return {
        {.name = "deepseek",
         .architecture = "deepseek",
         .keys = experts_and_shared() + leading_dense() + TinyKeys{{"attention.head_count_kv", 4}}},
        {.name = "deepseek2",
         .architecture = "deepseek2",
         .keys = experts_and_shared() + leading_dense() + latent_attention() +
                 TinyKeys{{"attention.q_lora_rank", 96},
                          {"expert_gating_func", kSigmoid},
                          {"expert_weights_norm", true},
                          {"expert_weights_scale", 2.5}}},
        {.name = "deepseek2-lite",  // told by its 27 layers
         .architecture = "deepseek2",
         .keys = experts_and_shared() + leading_dense() + latent_attention() +
                 TinyKeys{{"embedding_length", 64},
                          {"block_count", 27},
                          {"expert_count", 4},
                          {"expert_feed_forward_length", 32}}},
        {.name = "glm4moe",
         .architecture = "glm4moe",
         .keys = experts_and_shared() + leading_dense() + one_prediction_layer() +
                 TinyKeys{{"rope.dimension_count", 16}, {"expert_weights_norm", true}},
         .biases = true},
        {.name = "llama4",
         .architecture = "llama4",
         .keys = experts() + TinyKeys{{"interleave_moe_layer_step", 2}}},
        {.name = "ernie4_5-moe",
         .architecture = "ernie4_5-moe",
         .keys =
             experts_and_shared() + leading_dense() + TinyKeys{{"interleave_moe_layer_step", 2}},
         .tied = true},
        {.name = "bailingmoe2",
         .architecture = "bailingmoe2",
         .keys = experts_and_shared() + leading_dense() +
                 TinyKeys{{"expert_gating_func", kSigmoid}, {"expert_weights_norm", true}}},
        {.name = "dots1",
         .architecture = "dots1",
         .keys = experts_and_shared() + leading_dense() +
                 TinyKeys{{"attention.head_count_kv", 4}, {"expert_gating_func", kSigmoid}}},
    };
}

}  // namespace

TinyKeys experts() {
    return {{"expert_count", 8}, {"expert_used_count", 2}, {"expert_feed_forward_length", 64}};
}

TinyKeys experts_and_shared() {
    return experts() +
           TinyKeys{{"expert_shared_count", 1}, {"expert_shared_feed_forward_length", 96}};
}

TinyKeys narrow() {
    return {{"feed_forward_length", 64}};
}

TinyKeys leading_dense() {
    return {{"leading_dense_block_count", 1}};
}

TinyKeys latent_attention() {
    return {{"attention.head_count_kv", 1},   {"attention.kv_lora_rank", 64},
            {"attention.key_length", 80},     {"attention.value_length", 64},
            {"attention.key_length_mla", 48}, {"attention.value_length_mla", 32},
            {"rope.dimension_count", 16}};
}

std::vector<TinyModel> tiny_expert_models() {
    return models_with_experts_everywhere() + models_with_some_layers_of_experts();
}

}  // namespace bitgauge
