#include "engine/tiny_model_tables_testing.h"

namespace bitgauge {
namespace {

// Windows in six of eight layers, whose heads are half as wide as those of the other two.
TinyKeys gemma4() {
    return windows() +
           TinyKeys{{"attention.sliding_window_pattern", PerLayer{1, 1, 1, 1, 0, 1, 1, 0}},
                    {"attention.head_count_kv", PerLayer{2, 2, 2, 2, 1, 2, 2, 1}},
                    {"attention.key_length", 64},
                    {"attention.value_length", 64},
                    {"attention.key_length_swa", 32},
                    {"attention.value_length_swa", 32},
                    {"rope.dimension_count", 64},
                    {"rope.dimension_count_swa", 32},
                    {"rope.freq_base_swa", 10000.0},
                    {"attention.shared_kv_layers", 0},
                    {"embedding_length_per_layer_input", 0},
                    {"final_logit_softcapping", 30.0}};
}

std::vector<TinyModel> models_like_llama() {
    return {
        {.name = "llama", .architecture = "llama"},
        {.name = "llama-biases", .architecture = "llama", .tied = true, .biases = true},
        {.name = "qwen2", .architecture = "qwen2", .tied = true, .biases = true},
        {.name = "qwen3",
         .architecture = "qwen3",
         .keys = {{"attention.key_length", 64}, {"attention.value_length", 64}}},
        {.name = "internlm2", .architecture = "internlm2"},
        {.name = "smollm3", .architecture = "smollm3", .tied = true},
        {.name = "arcee", .architecture = "arcee"},
        {.name = "seed_oss", .architecture = "seed_oss", .biases = true},
        {.name = "ernie4_5", .architecture = "ernie4_5", .tied = true},
        {.name = "hunyuan-dense", .architecture = "hunyuan-dense", .tied = true},
        {.name = "mistral3", .architecture = "mistral3"},
        {.name = "olmo2", .architecture = "olmo2"},
        {.name = "glm4", .architecture = "glm4", .keys = {{"rope.dimension_count", 16}}},
        {.name = "exaone4", .architecture = "exaone4", .tied = true},
        {.name = "phi3", .architecture = "phi3", .keys = windows()},
        {.name = "granite",
         .architecture = "granite",
         .keys = {{"logit_scale", 0.75},
                  {"residual_scale", 0.5},
                  {"embedding_scale", 4.0},
                  {"attention.scale", 0.125}},
         .tied = true},
        {.name = "minicpm", .architecture = "minicpm"},
        {.name = "deci",
         .architecture = "deci",
         .keys = {{"attention.head_count", PerLayer{4, 4, 0, 4, 4, 4, 4, 4}},
                  {"attention.head_count_kv", PerLayer{2, 1, 0, 4, 2, 2, 1, 2}},
                  {"feed_forward_length", PerLayer{192, 192, 192, 96, 256, 192, 192, 192}}}},
    };
}

std::vector<TinyModel> models_with_windows() {
    return {
        {.name = "gemma", .architecture = "gemma", .tied = true},
        {.name = "gemma2",
         .architecture = "gemma2",
         .keys = windows() +
                 TinyKeys{{"attn_logit_softcapping", 50.0}, {"final_logit_softcapping", 30.0}},
         .tied = true},
        {.name = "gemma3",
         .architecture = "gemma3",
         .keys = windows() + TinyKeys{{"rope.freq_base_swa", 10000.0}},
         .tied = true},
        {.name = "gemma4", .architecture = "gemma4", .keys = gemma4(), .tied = true},
        {.name = "gemma4-moe",  // without values of their own in layers that see everything
         .architecture = "gemma4",
         .keys = gemma4() + experts(),
         .tied = true,
         .without = {"blk.4.attn_v", "blk.7.attn_v"}},
        {.name = "cohere2",
         .architecture = "cohere2",
         .keys = windows() + TinyKeys{{"logit_scale", 0.75}},
         .tied = true},
        {.name = "olmo2-windows", .architecture = "olmo2", .keys = windows()},
        {.name = "plamo3", .architecture = "plamo3", .keys = windows()},
    };
}

std::vector<TinyModel> models_with_layer_norms() {
    return {
        {.name = "falcon", .architecture = "falcon", .keys = {{"attention.head_count_kv", 1}}},
        {.name = "phi2", .architecture = "phi2", .keys = all_heads(), .biases = true},
        {.name = "stablelm", .architecture = "stablelm"},
        {.name = "starcoder2", .architecture = "starcoder2", .tied = true, .biases = true},
        {.name = "command-r",
         .architecture = "command-r",
         .keys = {{"logit_scale", 0.75}},
         .tied = true},
        {.name = "gptneox",
         .architecture = "gptneox",
         .keys =
             all_heads() + TinyKeys{{"use_parallel_residual", true}, {"rope.dimension_count", 8}},
         .biases = true},
        {.name = "gptneox-serial",
         .architecture = "gptneox",
         .keys = all_heads() + TinyKeys{{"use_parallel_residual", false}},
         .biases = true},
        {.name = "gpt2", .architecture = "gpt2", .keys = all_heads(), .tied = true, .biases = true},
        {.name = "bloom", .architecture = "bloom", .keys = all_heads(), .biases = true},
        {.name = "mpt",
         .architecture = "mpt",
         .keys = all_heads() + TinyKeys{{"attention.max_alibi_bias", 8.0}},
         .tied = true,
         .without = {"attn_k_norm", "ffn.act", "position_embd"}},
        {.name = "starcoder",
         .architecture = "starcoder",
         .keys = {{"attention.head_count_kv", 1}},
         .biases = true},
        {.name = "nemotron", .architecture = "nemotron"},
        {.name = "olmo", .architecture = "olmo", .keys = all_heads()},
    };
}

std::vector<TinyModel> models_that_must_stay_whole() {
    return {
        {.name = "minicpm3",
         .architecture = "minicpm3",
         .keys = all_heads() + TinyKeys{{"attention.q_lora_rank", 96},
                                        {"attention.kv_lora_rank", 64},
                                        {"attention.key_length", 48},
                                        {"attention.value_length", 32},
                                        {"rope.dimension_count", 16}}},
        {.name = "gemma3n",
         .architecture = "gemma3n",
         .keys = windows() + TinyKeys{{"embedding_length", 64},
                                      {"feed_forward_length", 96},
                                      {"attention.head_count", 2},
                                      {"attention.head_count_kv", 1},
                                      {"block_count", 22},
                                      {"vocab_size", 128}},
         .tied = true},
        {.name = "talkie",
         .architecture = "talkie",
         .keys = all_heads() + TinyKeys{{"logit_scale", 0.5}}},
    };
}

}  // namespace

TinyKeys all_heads() {
    return {{"attention.head_count_kv", 4}};
}

TinyKeys windows() {
    return {{"attention.sliding_window", 16}};
}

std::vector<TinyModel> tiny_dense_models() {
    return models_like_llama() + models_with_windows() + models_with_layer_norms() +
           models_that_must_stay_whole();
}

}  // namespace bitgauge
