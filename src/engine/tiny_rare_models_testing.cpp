#include "engine/tiny_model_tables_testing.h"

// Architectures that are met less often: a cut that works by rule, not by name, works here too.

namespace bitgauge {
namespace {

TinyKeys every_second_layer_has_a_window() {
    return windows() +
           TinyKeys{{"attention.sliding_window_pattern", PerLayer{1, 0, 1, 0, 1, 0, 1, 0}}};
}

TinyKeys sections() {
    return {{"rope.dimension_sections", PerLayer{4, 6, 6, 0}}};
}

TinyKeys latent_attention_with_indexer() {
    return latent_attention() + TinyKeys{{"attention.q_lora_rank", 96},
                                         {"attention.indexer.head_count", 4},
                                         {"attention.indexer.key_length", 64},
                                         {"attention.indexer.top_k", 16}};
}

// Kimi's delta attention, heads of 32, in three of four layers.
TinyKeys kimi_delta() {
    return latent_attention() +
           TinyKeys{{"attention.head_count_kv", PerLayer{0, 0, 0, 1, 0, 0, 0, 1}},
                    {"ssm.conv_kernel", 4},
                    {"kda.head_dim", 32},
                    {"kda.gate_lower_bound", -5.0}};
}

TinyKeys streams() {
    return {{"hyper_connection.count", 4},
            {"hyper_connection.sinkhorn_iterations", 2},
            {"hyper_connection.epsilon", 1e-6},
            {"hyper_connection.magnitude", 2.0}};
}

std::vector<TinyModel> rare_dense_models() {
    return {
        {.name = "apertus",
         .architecture = "apertus",
         .keys = {{"xielu.alpha_n",
                   std::vector<float>{0.8F, 0.7F, 0.6F, 0.5F, 0.8F, 0.7F, 0.6F, 0.5F}},
                  {"xielu.alpha_p", 0.8},
                  {"xielu.beta", 0.5},
                  {"xielu.eps", 1e-6}}},
        {.name = "baichuan", .architecture = "baichuan"},
        {.name = "bitnet", .architecture = "bitnet", .tied = true},
        {.name = "chatglm", .architecture = "chatglm"},
        {.name = "codeshell", .architecture = "codeshell", .biases = true},
        {.name = "cogvlm", .architecture = "cogvlm", .keys = all_heads()},
        {.name = "exaone", .architecture = "exaone"},
        {.name = "granite_swa",
         .architecture = "granite_swa",
         .keys = every_second_layer_has_a_window() + TinyKeys{{"logit_scale", 0.75}}},
        {.name = "hrm_text",
         .architecture = "hrm_text",
         .keys = {{"block_count", 6},
                  {"hrm.layers_per_stack", 1},
                  {"hrm.h_cycles", 2},
                  {"hrm.l_cycles", 2}}},
        {.name = "jais",
         .architecture = "jais",
         .keys = all_heads() + TinyKeys{{"attention.max_alibi_bias", 8.0}},
         .biases = true},
        {.name = "jais2", .architecture = "jais2", .biases = true},
        {.name = "maincoder", .architecture = "maincoder"},
        {.name = "muse-glimmer",
         .architecture = "muse-glimmer",
         .keys = windows() + TinyKeys{{"logit_scale", 1.0}}},
        {.name = "nanbeige", .architecture = "nanbeige"},
        {.name = "nanbeige-loops", .architecture = "nanbeige", .keys = {{"num_loops", 2}}},
        {.name = "openelm",
         .architecture = "openelm",
         .keys = {{"attention.head_count", PerLayer{4, 4, 4, 4, 8, 8, 8, 8}},
                  {"attention.head_count_kv", PerLayer{1, 1, 2, 2, 2, 2, 4, 4}},
                  {"attention.key_length", 32},
                  {"attention.value_length", 32},
                  {"feed_forward_length", PerLayer{64, 96, 128, 160, 192, 224, 256, 288}}},
         .tied = true},
        {.name = "orion", .architecture = "orion"},
        {.name = "pangu-embedded", .architecture = "pangu-embedded", .biases = true},
        {.name = "plamo", .architecture = "plamo"},
        {.name = "qwen",
         .architecture = "qwen",
         .keys = all_heads() + TinyKeys{{"feed_forward_length", 384}},
         .biases = true},
        {.name = "qwen2vl", .architecture = "qwen2vl", .keys = sections(), .biases = true},
        {.name = "qwen3vl", .architecture = "qwen3vl", .keys = sections()},
        {.name = "refact", .architecture = "refact"},
        {.name = "spark2_5", .architecture = "spark2_5", .keys = every_second_layer_has_a_window()},
        {.name = "xverse", .architecture = "xverse"},
    };
}

std::vector<TinyModel> rare_expert_models() {
    return {
        {.name = "afmoe",
         .architecture = "afmoe",
         .keys = windows() + experts_and_shared() + leading_dense() +
                 TinyKeys{{"expert_gating_func", kSigmoid}}},
        {.name = "cohere2moe",
         .architecture = "cohere2moe",
         .keys = windows() + experts() + leading_dense() + TinyKeys{{"logit_scale", 0.75}},
         .tied = true},
        {.name = "exaone-moe",
         .architecture = "exaone-moe",
         .keys = windows() + experts_and_shared() + leading_dense() +
                 TinyKeys{{"expert_gating_func", kSigmoid}}},
        {.name = "grovemoe",
         .architecture = "grovemoe",
         .keys = experts() + TinyKeys{{"expert_chunk_feed_forward_length", 32},
                                      {"expert_group_scale", 0.05},
                                      {"experts_per_group", 2}}},
        {.name = "hy_v3",
         .architecture = "hy_v3",
         .keys =
             experts_and_shared() + leading_dense() + TinyKeys{{"expert_gating_func", kSigmoid}}},
        {.name = "laguna",
         .architecture = "laguna",
         .keys = windows() + experts_and_shared() + leading_dense()},
        {.name = "maple",
         .architecture = "maple",
         .keys =
             every_second_layer_has_a_window() + experts() + TinyKeys{{"swiglu_clamp_exp", 7.0}},
         .biases = true},
        {.name = "mellum", .architecture = "mellum", .keys = windows() + experts()},
        {.name = "mimo2",
         .architecture = "mimo2",
         .keys = every_second_layer_has_a_window() + experts()},
        {.name = "minimax-01",  // in Q4_0 libllama 0.5.0 asserts on several sequences
         .architecture = "minimax-01",
         .keys = experts() + narrow() +
                 TinyKeys{{"residual_scale", 3.0}, {"full_attention_interval", 4}}},
        {.name = "minimax-m3",
         .architecture = "minimax-m3",
         .keys = experts_and_shared() + leading_dense() +
                 TinyKeys{{"rope.dimension_count", 16},
                          {"expert_gating_func", kSigmoid},
                          {"attention.indexer.head_count", 2},
                          {"attention.indexer.key_length", 32},
                          {"attention.indexer.top_k", 16},
                          {"attention.indexer.block_size", 4},
                          {"attention.indexer.local_blocks", 1}}},
        {.name = "qwen3vlmoe", .architecture = "qwen3vlmoe", .keys = experts() + sections()},
        {.name = "step35",
         .architecture = "step35",
         .keys = every_second_layer_has_a_window() + experts_and_shared()},
    };
}

std::vector<TinyModel> rare_latent_models() {
    return {
        {.name = "deepseek32",
         .architecture = "deepseek32",
         .keys = experts_and_shared() + leading_dense() + latent_attention_with_indexer() +
                 TinyKeys{{"expert_gating_func", kSigmoid}},
         .biases = true},
        {.name = "deepseek4",
         .architecture = "deepseek4",
         .keys = experts_and_shared() + windows() + latent_attention_with_indexer() + streams() +
                 TinyKeys{{"attention.key_length", 64},
                          {"attention.value_length", 64},
                          {"rope.dimension_count", 32},
                          {"attention.output_group_count", 2},
                          {"attention.output_lora_rank", 32},
                          {"attention.compress_ratios", PerLayer{0, 0, 4, 128, 4, 128, 4, 0}},
                          {"attention.compress_rope_freq_base", 160000.0},
                          {"hash_layer_count", 0},
                          {"swiglu_clamp_exp", 10.0},
                          {"expert_gating_func", 4},
                          {"expert_weights_norm", true},
                          {"expert_weights_scale", 1.0}},
         .biases = true},
        {.name = "glm-dsa",
         .architecture = "glm-dsa",
         .keys = experts_and_shared() + leading_dense() + latent_attention_with_indexer(),
         .biases = true},
        {.name = "hy_v4",
         .architecture = "hy_v4",
         .keys = experts_and_shared() + leading_dense() + latent_attention_with_indexer() +
                 streams() +
                 TinyKeys{{"attention.indexer.types", PerLayer{1, 0, 1, 0, 1, 0, 1, 0}},
                          {"expert_gating_func", kSigmoid},
                          {"expert_weights_norm", true}},
         .biases = true},
        {.name = "mistral4",
         .architecture = "mistral4",
         .keys = experts_and_shared() + leading_dense() + latent_attention() +
                 TinyKeys{{"attention.q_lora_rank", 96}}},
    };
}

std::vector<TinyModel> rare_recurrent_models() {
    return {
        {.name = "kimi-linear",
         .architecture = "kimi-linear",
         .keys = kimi_delta() + experts_and_shared() + leading_dense() +
                 TinyKeys{{"expert_gating_func", kSigmoid}}},
        {.name = "bailingmoe3",
         .architecture = "bailingmoe3",
         .keys = kimi_delta() + experts_and_shared() + leading_dense() +
                 TinyKeys{{"expert_gating_func", kSigmoid}}},
        {.name = "kimi-k3",
         .architecture = "kimi-k3",
         .keys = kimi_delta() + experts_and_shared() + leading_dense() +
                 TinyKeys{{"expert_gating_func", kSigmoid},
                          {"expert_latent_length", 64},
                          {"attn_res.block_size", 4},
                          {"activation.situ_beta", 4.0},
                          {"activation.situ_linear_beta", 25.0}}},
        {.name = "glm5-next",
         .architecture = "glm5-next",
         .keys = kimi_delta() + latent_attention_with_indexer() + experts_and_shared() +
                 leading_dense() + streams() +
                 TinyKeys{{"attention.head_count_kv", PerLayer{0, 0, 0, 1, 0, 0, 0, 1}},
                          {"attention.key_length", 64},
                          {"rope.dimension_count", 0},
                          {"attention.indexer.kpool", 4},
                          {"attention.indexer.kpool_select_tail", true}},
         .biases = true,
         .single = {"hc_", "indexer", "ssm_f_", "ssm_g_", "ssm_beta", "attn_kv_a_mqa", "attn_k_b",
                    "attn_v_b"}},
        {.name = "rwkv6qwen2",
         .architecture = "rwkv6qwen2",
         .keys = {{"token_shift_count", 1},
                  {"wkv.head_size", 64},
                  {"time_mix_extra_dim", 16},
                  {"time_decay_extra_dim", 32}},
         .biases = true,
         .without = {"time_mix_first"}},
        {.name = "arwkv7",
         .architecture = "arwkv7",
         .keys = {{"token_shift_count", 1},
                  {"wkv.head_size", 64},
                  {"attention.decay_lora_rank", 32},
                  {"attention.iclr_lora_rank", 32},
                  {"attention.value_residual_mix_lora_rank", 32},
                  {"attention.gate_lora_rank", 32}},
         .biases = true},
    };
}

}  // namespace

std::vector<TinyModel> tiny_rare_models() {
    return rare_dense_models() + rare_expert_models() + rare_latent_models() +
           rare_recurrent_models();
}

}  // namespace bitgauge
