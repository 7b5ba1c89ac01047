#include "engine/segment_header.h"

#include <algorithm>
#include <cmath>

namespace bitgauge {
namespace {

// Arrays that by chance are as long as there are layers.
constexpr std::string_view kNotPerLayer[] = {"rope.dimension_sections", "ple."};

bool is_per_layer(const Anatomy& model, const std::string& key, uint64_t entries) {
    const std::string prefix = model.key("");
    const bool own = key.starts_with(prefix) || key.starts_with("xielu.");
    if (!own || (entries != model.count() && entries != model.stated_count())) return false;
    return std::ranges::none_of(kNotPerLayer,
                                [&](auto name) { return key.find(name) != std::string::npos; });
}

void drop_keys(GgufWriter& writer, const GgufFile& file) {
    for (const KeyValue& entry : file.keys()) {
        const bool tokenizer = entry.key.starts_with("tokenizer.");
        if (tokenizer || entry.key.starts_with("split.")) writer.remove_key(entry.key);
    }
}

// Widths of heads are taken from the first layer, which may have no attention.
void fill_empty_heads(GgufWriter& writer, const Anatomy& model, const CutStage& stage) {
    const auto heads = model.arrays().integers(model.key("attention.head_count"));
    if (!heads || heads->size() < model.count() || (*heads)[stage.layers.front()] != 0) return;
    const auto most = static_cast<uint32_t>(*std::ranges::max_element(*heads));
    std::vector<uint32_t> filled;
    for (const uint32_t layer : stage.layers) {
        const auto here = static_cast<uint32_t>((*heads)[layer]);
        filled.push_back(here == 0 ? most : here);
    }
    writer.set_array(model.key("attention.head_count"), std::span<const uint32_t>(filled));
}

void write_arrays(GgufWriter& writer, const Anatomy& model, const CutStage& stage) {
    for (const auto& [key, entries] : model.arrays().lengths()) {
        if (is_per_layer(model, key, entries)) writer.pick_entries(key, stage.layers);
    }
    fill_empty_heads(writer, model, stage);
}

void write_windows(GgufWriter& writer, const Anatomy& model, const CutStage& stage) {
    const std::string key = model.key("attention.sliding_window_pattern");
    const bool any = std::ranges::any_of(model.layers(), &LayerFacts::windowed);
    if (!any || model.arrays().integers(key)) return;
    std::vector<uint32_t> pattern;
    for (const uint32_t layer : stage.layers) {
        pattern.push_back(model.layers()[layer].windowed ? 1 : 0);
    }
    writer.set_array(key, std::span<const uint32_t>(pattern));
}

void write_recurrence(GgufWriter& writer, const Anatomy& model, const CutStage& stage) {
    const std::string key = model.key("attention.recurrent_layers");
    const uint32_t period = model.number("full_attention_interval", model.rule().recurrent_period);
    if (period == 0 || model.arrays().integers(key)) return;
    std::vector<uint32_t> recurrent;
    for (const uint32_t layer : stage.layers) {
        recurrent.push_back((layer + 1) % period != 0 ? 1 : 0);
    }
    writer.set_array(key, std::span<const uint32_t>(recurrent));
}

void write_counts(GgufWriter& writer, const Anatomy& model, const CutStage& stage) {
    writer.set_u32(model.key("block_count"), static_cast<uint32_t>(stage.layers.size()));
    if (model.number("nextn_predict_layers", 0) > 0) {
        writer.set_u32(model.key("nextn_predict_layers"), 0);
    }
    if (const auto dense = model.file().integer(model.key("leading_dense_block_count"))) {
        const auto here = std::ranges::count_if(
            stage.layers, [&](uint32_t layer) { return int64_t{layer} < *dense; });
        writer.set_u32(model.key("leading_dense_block_count"), static_cast<uint32_t>(here));
    }
    const std::string deepstack = model.key("n_deepstack_layers");
    if (!stage.first && model.file().integer(deepstack)) writer.set_u32(deepstack, 0);
}

double value_of(ImpliedKey::Value value, const Anatomy& model) {
    switch (value) {
        case ImpliedKey::Value::kZero:
            return 0;
        case ImpliedKey::Value::kOne:
            return 1;
        case ImpliedKey::Value::kMinicpmResidual:
            break;
    }
    return static_cast<double>(1.4F / std::sqrt(static_cast<float>(model.count())));
}

void write_implied(GgufWriter& writer, const Anatomy& model) {
    for (const ImpliedKey& implied : model.rule().implied) {
        const bool meant = implied.layers.empty() ||
                           std::ranges::find(implied.layers, model.count()) != implied.layers.end();
        const std::string key = model.key(implied.key);
        if (!meant || model.file().number(key)) continue;
        const double value = value_of(implied.value, model);
        if (implied.single_precision) {
            writer.set_f32(key, static_cast<float>(value));
        } else {
            writer.set_u32(key, static_cast<uint32_t>(value));
        }
    }
}

}  // namespace

void write_segment_keys(GgufWriter& writer, const Anatomy& model, const CutStage& stage,
                        uint32_t vocabulary) {
    writer.copy_keys(model.file());
    drop_keys(writer, model.file());
    write_arrays(writer, model, stage);
    write_windows(writer, model, stage);
    write_recurrence(writer, model, stage);
    write_counts(writer, model, stage);
    write_implied(writer, model);
    writer.set_text("tokenizer.ggml.model", "none");
    writer.set_u32(model.key("vocab_size"), vocabulary);
}

}  // namespace bitgauge
