#pragma once

// How models of each architecture are cut into runs of layers: the table, and nothing else knows an
// architecture by name.
//
// A run is loaded as a model of its own, whose header says what the whole model's header leaves to
// defaults that depend on all of its layers. Most architectures need no entry: any cut does.
// Verified for llama.cpp 0.5.0, architecture by architecture, by comparing every bit with the uncut
// model (docs/stages.md).

#include <cstdint>
#include <span>
#include <string_view>

namespace bitgauge {

// Layers whose attention sees a sliding window, where the header names none or only their period.
struct WindowPattern {
    uint32_t period = 0;        // 0: the architecture has no windows but those the header lists
    bool global_first = false;  // the layer without a window is the first of a period, not the last
    bool always = false;        // even without a window's size in the header
};

// A key that a run's header must state because its default depends on the number of layers.
struct ImpliedKey {
    enum class Value {
        kZero,
        kOne,
        kMinicpmResidual,  // 1.4 / sqrt(layers of the whole model)
    };
    std::string_view key;
    Value value = Value::kZero;
    bool single_precision = false;
    std::span<const uint32_t> layers = {};  // of the models that need it; empty: all
};

struct CutRule {
    std::string_view architecture;
    std::string_view whole = {};              // why it is never cut
    std::span<const uint32_t> whole_at = {};  // not cut when it has so many layers
    uint32_t unit = 1;                        // cuts fall on multiples of it ...
    std::string_view unit_key = {};           // ... and of this key's value
    uint32_t avoided_layers = 0;              // no run may have exactly so many
    uint32_t least_layers = 1;                // of a run, zeros appended if need be
    WindowPattern window = {};
    uint32_t recurrent_period = 0;  // every so many-th layer is attention, where nothing is said
    bool needs_global = false;      // a run needs a layer without a window
    bool needs_sparse = false;      // ... a layer with experts
    bool drops_rope_without_global = false;  // rope_freqs belongs to layers without a window
    std::string_view full_layer_array =
        {};                          // cuts fall only before layers that are 1 in this array
    bool begins_with_heads = false;  // layers without heads are meant; none of them may be a first
    std::string_view handed_on = "l_out";  // node "<this>-<layer>": what a layer gives to the next
    std::string_view entry = {};           // node that takes it in beside the usual ones
    std::span<const ImpliedKey> implied = {};
};

// The rule of an architecture; a plain one for those without an entry.
const CutRule& cut_rule(std::string_view architecture);

// Whether libllama has a graph for the first layer that predicts further tokens (nextn) alone,
// which takes in the final states after the output norm. Others take in other states, or have no
// graph.
bool predicts_from_final_states(std::string_view architecture);

// Whether a node is one of those that carry the embedding into the first layer.
bool is_entry_node(std::string_view node);

}  // namespace bitgauge
