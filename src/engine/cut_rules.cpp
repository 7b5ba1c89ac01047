#include "engine/cut_rules.h"

#include <algorithm>

namespace bitgauge {
namespace {

using Implied = ImpliedKey::Value;

constexpr uint32_t kLiteLayers[] = {26, 27};  // DeepSeek-V2-Lite: no low-rank queries
constexpr ImpliedKey kDeepseek2[] = {{"attention.q_lora_rank", Implied::kZero, false, kLiteLayers},
                                     {"expert_gating_func", Implied::kOne, false, {}}};
constexpr ImpliedKey kMinicpm[] = {{"residual_scale", Implied::kMinicpmResidual, true, {}}};

// Layers from which on llama.cpp takes another scale or another attention.
constexpr uint32_t kGemma2Whole[] = {46};
constexpr uint32_t kGemma3Whole[] = {62};
constexpr uint32_t kBaichuanWhole[] = {40};
constexpr uint32_t kExaone4Whole[] = {64};
constexpr uint32_t kCommandRWhole[] = {64};

constexpr const char* kAcrossLayers = "its layers read more than what the layer before hands on";
constexpr const char* kByDepth = "its layers depend on their place among all layers";
constexpr const char* kUnnamed = "libllama does not name what enters its first layer";

constexpr CutRule kRules[] = {
    {.architecture = "afmoe", .unit = 4, .window = {.period = 4}},
    {.architecture = "arwkv7", .whole = kAcrossLayers},
    {.architecture = "baichuan", .whole_at = kBaichuanWhole},
    {.architecture = "cohere2", .window = {.period = 4}},
    {.architecture = "cohere2moe", .window = {.period = 4, .global_first = true}},
    {.architecture = "command-r", .whole_at = kCommandRWhole},
    {.architecture = "deci", .begins_with_heads = true},
    {.architecture = "deepseek2", .implied = kDeepseek2},
    {.architecture = "deepseek4", .whole = kAcrossLayers, .handed_on = "l_last"},
    {.architecture = "ernie4_5-moe", .unit_key = "interleave_moe_layer_step"},
    {.architecture = "exaone-moe", .window = {.period = 4}},
    {.architecture = "exaone4", .whole_at = kExaone4Whole},
    {.architecture = "gemma2", .whole_at = kGemma2Whole, .window = {.period = 2, .always = true}},
    {.architecture = "gemma3", .whole_at = kGemma3Whole, .window = {.period = 6}},
    {.architecture = "gemma3n", .whole = kAcrossLayers},
    {.architecture = "gemma4",
     .least_layers = 2,
     .needs_global = true,
     .drops_rope_without_global = true},
    {.architecture = "glm-dsa", .full_layer_array = "attention.indexer.types"},
    {.architecture = "glm5-next",
     .full_layer_array = "attention.indexer.types",
     .entry = "hc_init"},
    {.architecture = "gpt-oss", .window = {.period = 2}},
    {.architecture = "granite_switch", .whole = kAcrossLayers},
    {.architecture = "hrm_text", .whole = kAcrossLayers},
    {.architecture = "hy_v4",
     .least_layers = 2,
     .full_layer_array = "attention.indexer.types",
     .entry = "hc_init"},
    {.architecture = "kimi-k3", .whole = kAcrossLayers},
    {.architecture = "laguna", .window = {.period = 4, .global_first = true}},
    {.architecture = "llama4",
     .unit = 4,
     .unit_key = "interleave_moe_layer_step",
     .window = {.period = 4, .always = true}},
    {.architecture = "maple", .whole = "a run that begins with a layer without positions differs"},
    {.architecture = "mellum", .window = {.period = 4}},
    {.architecture = "minicpm", .implied = kMinicpm},
    {.architecture = "minicpm3", .whole = kByDepth},
    {.architecture = "minimax-01", .whole = kByDepth, .recurrent_period = 4},
    {.architecture = "minimax-m3", .needs_sparse = true},
    {.architecture = "muse-glimmer", .whole = kUnnamed, .window = {.period = 4}},
    {.architecture = "nanbeige", .whole = kAcrossLayers},
    {.architecture = "nemotron_h", .handed_on = "nemotron_h_block_out"},
    {.architecture = "nemotron_h_moe", .handed_on = "nemotron_h_block_out"},
    {.architecture = "olmo2", .window = {.period = 4}},
    {.architecture = "plamo2", .whole = kUnnamed},
    {.architecture = "plamo3", .window = {.period = 8}},
    {.architecture = "qwen35", .recurrent_period = 4},
    {.architecture = "qwen35moe", .recurrent_period = 4},
    {.architecture = "qwen3next", .recurrent_period = 4},
    {.architecture = "qwen3tts", .whole = kUnnamed},
    {.architecture = "qwen4exp", .whole = kUnnamed, .recurrent_period = 4},
    {.architecture = "rwkv6", .whole = kAcrossLayers},
    {.architecture = "rwkv6qwen2", .whole = kAcrossLayers},
    {.architecture = "rwkv7", .whole = kAcrossLayers},
    {.architecture = "smallthinker",
     .unit = 4,
     .avoided_layers = 4,
     .window = {.period = 4, .global_first = true}},
    {.architecture = "smollm3", .unit = 4},
    {.architecture = "step35", .whole = "a run of its layers gives other numbers"},
    {.architecture = "t5", .whole = "it has an encoder and a decoder"},
    {.architecture = "t5encoder", .whole = "it is an encoder"},
    {.architecture = "talkie", .whole = kAcrossLayers},
};

constexpr CutRule kPlain = {};

constexpr std::string_view kPredictors[] = {
    "bailingmoe3", "cohere2moe", "deepseek2",      "deepseek32", "glm-dsa",  "glm4moe",
    "hy_v3",       "qwen35",     "nemotron_h_moe", "qwen35moe",  "qwen3next"};

constexpr std::string_view kEntryNodes[] = {
    "embd", "inp_embd", "inp_scaled",        "inp_embd_scaled",    "inp_norm",        "inp_norm-0",
    "inpL", "inpL-0",   "model.input_embed", "model.embed_tokens", "embedding_output"};

}  // namespace

const CutRule& cut_rule(std::string_view architecture) {
    const auto* const found = std::ranges::find(kRules, architecture, &CutRule::architecture);
    return found == std::end(kRules) ? kPlain : *found;
}

bool predicts_from_final_states(std::string_view architecture) {
    return std::ranges::find(kPredictors, architecture) != std::end(kPredictors);
}

bool is_entry_node(std::string_view node) {
    return std::ranges::find(kEntryNodes, node) != std::end(kEntryNodes);
}

}  // namespace bitgauge
