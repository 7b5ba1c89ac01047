#include "engine/tiny_model_tables_testing.h"

namespace bitgauge {
namespace {

// Gated delta net in three of four layers: 4 heads of values on 2 of keys, 32 wide.
TinyKeys delta_net() {
    return {{"full_attention_interval", 4}, {"ssm.conv_kernel", 4},    {"ssm.inner_size", 128},
            {"ssm.state_size", 32},         {"ssm.time_step_rank", 4}, {"ssm.group_count", 2}};
}

TinyKeys positions_of_three_kinds() {
    return {{"rope.dimension_sections", PerLayer{4, 4, 4, 0}}, {"rope.dimension_count", 24}};
}

TinyKeys mamba() {
    return {{"ssm.conv_kernel", 4},
            {"ssm.inner_size", 256},
            {"ssm.state_size", 16},
            {"ssm.time_step_rank", 8}};
}

TinyKeys mamba2() {
    return mamba() + TinyKeys{{"ssm.group_count", 2}};
}

TinyKeys no_attention() {
    return {
        {"attention.head_count", 0}, {"attention.head_count_kv", 0}, {"feed_forward_length", 0}};
}

// Attention in the third and the seventh layer.
TinyKeys attention_in_two_layers() {
    return {{"attention.head_count_kv", PerLayer{0, 0, 2, 0, 0, 0, 2, 0}}};
}

std::vector<TinyModel> models_of_delta_nets() {
    return {
        {.name = "qwen35",
         .architecture = "qwen35",
         .keys = delta_net() + positions_of_three_kinds(),
         .tied = true},
        {.name = "qwen35-nextn",
         .architecture = "qwen35",
         .keys = delta_net() + positions_of_three_kinds() +
                 TinyKeys{{"block_count", 9}, {"nextn_predict_layers", 1}}},
        {.name = "qwen35moe",
         .architecture = "qwen35moe",
         .keys = delta_net() + experts_and_shared() + positions_of_three_kinds()},
        {.name = "qwen3next",
         .architecture = "qwen3next",
         .keys = delta_net() + experts_and_shared()},
    };
}

std::vector<TinyModel> models_of_mamba() {
    return {
        {.name = "mamba", .architecture = "mamba", .keys = mamba() + no_attention(), .tied = true},
        {.name = "mamba2", .architecture = "mamba2", .keys = mamba2() + no_attention()},
        {.name = "jamba",
         .architecture = "jamba",
         .keys = mamba() + attention_in_two_layers() + experts() +
                 TinyKeys{{"feed_forward_length", 64}}},
        {.name = "granitehybrid",
         .architecture = "granitehybrid",
         .keys = mamba2() + attention_in_two_layers() + experts_and_shared() +
                 TinyKeys{{"feed_forward_length", 64},
                          {"logit_scale", 0.75},
                          {"residual_scale", 0.5},
                          {"embedding_scale", 4.0},
                          {"attention.scale", 0.125},
                          {"rope.scaling.finetuned", false}},
         .tied = true},
        {.name = "nemotron_h",
         .architecture = "nemotron_h",
         .keys = mamba2() +
                 TinyKeys{{"attention.head_count_kv", PerLayer{0, 0, 2, 0, 0, 0, 2, 0}},
                          {"feed_forward_length", PerLayer{0, 192, 0, 192, 0, 192, 0, 192}}}},
        {.name = "nemotron_h_moe",
         .architecture = "nemotron_h_moe",
         .keys = mamba2() + experts_and_shared() +
                 TinyKeys{{"attention.head_count_kv", PerLayer{0, 0, 2, 0, 0, 0, 2, 0}},
                          {"feed_forward_length", PerLayer{0, 64, 0, 64, 0, 64, 0, 64}},
                          {"expert_weights_norm", true}}},
        {.name = "falcon-h1", .architecture = "falcon-h1", .keys = mamba2()},
        {.name = "plamo2",
         .architecture = "plamo2",
         .keys = mamba() + TinyKeys{{"attention.head_count_kv", PerLayer{0, 2, 0, 2, 0, 2, 0, 2}},
                                    {"ssm.inner_size", 256},
                                    {"ssm.group_count", 0},
                                    {"attention.key_length", 32},
                                    {"attention.value_length", 32}},
         .tied = true},
    };
}

std::vector<TinyModel> models_of_short_convolutions() {
    return {
        {.name = "lfm2",
         .architecture = "lfm2",
         .keys = attention_in_two_layers() + TinyKeys{{"shortconv.l_cache", 3}},
         .tied = true},
        {.name = "lfm2moe",
         .architecture = "lfm2moe",
         .keys = attention_in_two_layers() + experts() +
                 TinyKeys{{"shortconv.l_cache", 3},
                          {"leading_dense_block_count", 2},
                          {"expert_gating_func", kSigmoid}},
         .tied = true},
    };
}

std::vector<TinyModel> models_of_rwkv() {
    return {
        {.name = "rwkv6",
         .architecture = "rwkv6",
         .keys = no_attention() + TinyKeys{{"feed_forward_length", 256},
                                           {"wkv.head_size", 64},
                                           {"time_mix_extra_dim", 16},
                                           {"time_decay_extra_dim", 32}},
         .biases = true},
        {.name = "rwkv7",
         .architecture = "rwkv7",
         .keys = no_attention() + TinyKeys{{"feed_forward_length", 256},
                                           // ggml steps through heads by 64 with AVX-512
                                           {"wkv.head_size", 64},
                                           {"attention.decay_lora_rank", 32},
                                           {"attention.iclr_lora_rank", 32},
                                           {"attention.value_residual_mix_lora_rank", 32},
                                           {"attention.gate_lora_rank", 32}},
         .biases = true},
    };
}

}  // namespace

std::vector<TinyModel> tiny_recurrent_models() {
    return models_of_delta_nets() + models_of_mamba() + models_of_short_convolutions() +
           models_of_rwkv();
}

}  // namespace bitgauge
