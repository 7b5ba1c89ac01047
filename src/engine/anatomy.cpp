#include "engine/anatomy.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

namespace bitgauge {
namespace {

constexpr std::string_view kBlock = "blk.";

std::string_view inside_layer(std::string_view tensor) {
    const size_t dot = tensor.find('.', kBlock.size());
    return dot == std::string_view::npos ? std::string_view{} : tensor.substr(dot + 1);
}

bool is_recurrent(std::string_view name) {
    return name.starts_with("ssm_") || name.starts_with("shortconv.");
}

bool is_attention(std::string_view name) {
    constexpr std::string_view kParts[] = {"attn_q.", "attn_k.", "attn_qkv.", "attn_kv_",
                                           "attn_k_b"};
    return std::ranges::any_of(kParts, [&](auto part) { return name.starts_with(part); });
}

}  // namespace

Anatomy::Anatomy(GgufFile file)
    : file_(std::move(file)), arrays_(file_), rule_(&cut_rule(file_.architecture())) {
    stated_ = number("block_count", 0);
    const uint32_t further = number("nextn_predict_layers", 0);
    layers_.resize(stated_ > further ? stated_ - further : 0);
    read_tensors();
    read_windows();
    read_cuts();
}

std::string Anatomy::key(std::string_view suffix) const {
    return fmt::format("{}.{}", file_.architecture(), suffix);
}

uint32_t Anatomy::number(std::string_view suffix, uint32_t otherwise) const {
    const auto value = file_.integer(key(suffix));
    if (!value) return otherwise;
    return static_cast<uint32_t>(std::clamp<int64_t>(*value, 0, UINT32_MAX));
}

int64_t Anatomy::layer_of(const std::string& tensor) {
    if (!tensor.starts_with(kBlock)) return -1;
    int64_t layer = -1;
    std::from_chars(tensor.data() + kBlock.size(), tensor.data() + tensor.size(), layer);
    return layer;
}

void Anatomy::read_tensors() {
    for (const TensorInfo& tensor : file_.tensors()) {
        const int64_t layer = layer_of(tensor.name);
        if (layer < 0 || layer >= count()) continue;
        LayerFacts& facts = layers_[static_cast<size_t>(layer)];
        const std::string_view name = inside_layer(tensor.name);
        facts.bytes += tensor.bytes;
        facts.recurrent |= is_recurrent(name);
        facts.attention |= is_attention(name);
        facts.sparse |= name.find("_exps.") != std::string_view::npos;
    }
    for (LayerFacts& facts : layers_) facts.attention &= !facts.recurrent;
}

void Anatomy::read_windows() {
    const std::string pattern = key("attention.sliding_window_pattern");
    if (const auto listed = arrays_.integers(pattern)) {
        for (size_t i = 0; i < std::min(layers_.size(), listed->size()); ++i) {
            layers_[i].windowed = (*listed)[i] != 0;
        }
        return;
    }
    const WindowPattern& rule = rule_->window;
    const bool there = rule.always || number("attention.sliding_window", 0) > 0;
    if (rule.period == 0 || !there) return;
    const uint32_t period = number("attention.sliding_window_pattern", rule.period);
    for (uint32_t i = 0; i < count(); ++i) {
        const uint32_t global = rule.global_first ? 0 : period - 1;
        layers_[i].windowed = period == 0 || i % period != global;
    }
}

void Anatomy::read_cuts() {
    const uint32_t step = rule_->unit_key.empty() ? 1 : std::max(1U, number(rule_->unit_key, 1));
    const uint32_t unit = std::lcm(rule_->unit, step);
    const auto full = rule_->full_layer_array.empty()
                          ? std::nullopt
                          : arrays_.integers(key(rule_->full_layer_array));
    const auto heads =
        rule_->begins_with_heads ? arrays_.integers(key("attention.head_count")) : std::nullopt;
    const auto is_set = [](const auto& values, uint32_t i) {
        return !values || i >= values->size() || (*values)[i] != 0;
    };
    for (uint32_t i = 0; i < count(); ++i) {
        layers_[i].cut_before = i % unit == 0 && is_set(full, i) && is_set(heads, i);
    }
}

}  // namespace bitgauge
