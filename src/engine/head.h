#pragma once

// The last matrix of a model, in tiles of the vocabulary: states in, logits out.
//
// The product is the one ggml computes on the CPU, up to the order of its sums: inputs are rounded
// as the weight's type reads them (BF16 for BF16 weights, blocks of 8-bit integers for quantized
// ones), weights are decoded exactly, and the rest is single precision. What an architecture does
// after the product (bias, scale, softcap) is a transform found by comparison with libllama itself.
//
// Thread-safe once built: every method is const and uses the caller's memory.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/integer_product.h"

namespace bitgauge {

// logit = softcap * tanh(scale * (product + bias) / softcap); softcap 0: none; bias may be empty.
struct HeadTransform {
    double scale = 1;
    double softcap = 0;
    std::vector<float> bias;

    bool is_identity() const { return scale == 1 && softcap == 0 && bias.empty(); }
};

// States as a head's product reads them: rounded rows, or integers where that product is exact.
struct HeadInputs {
    size_t rows = 0;
    std::vector<float> floats;
    std::optional<IntegerInputs> integers;
};

// Memory that one thread uses again for every tile.
struct HeadScratch {
    std::vector<float> floats;
    IntegerWeights integers;
};

class Head {
  public:
    // `weights`: `vocabulary` rows of `width` values in ggml's type `type_id`; must outlive the
    // head (a mapped file). Error(kInput) when this build cannot decode the type.
    Head(int type_id, size_t vocabulary, size_t width, std::span<const std::byte> weights,
         HeadTransform transform);

    // Called with offset and size, in bytes, of weights that have been read and are not needed for
    // a while: their pages may go. From any thread.
    void after_use(std::function<void(size_t, size_t)> release) { release_ = std::move(release); }

    // The product of a model whose weights are widened to F32 (EngineOptions::single_precision):
    // inputs are not rounded.
    void keep_inputs() { keeps_inputs_ = !is_quantized(); }

    int type_id() const { return type_id_; }
    std::span<const std::byte> weights() const { return weights_; }
    size_t vocabulary() const { return vocabulary_; }
    size_t width() const { return width_; }
    const HeadTransform& transform() const { return transform_; }

    HeadInputs prepare(std::vector<float> states) const;

    // Logits of vocabulary entries [first, first + count) after states [row, row + n_states):
    // out[i * count + j] is the logit of entry first + j after state row + i. `row` is a multiple
    // of 4.
    void logits(const HeadInputs& inputs, size_t row, size_t n_states, size_t first, size_t count,
                std::span<float> out, HeadScratch& scratch) const;

    // The same in single precision throughout, step by step.
    // Rounds rows of `width` values in place, as the product reads them.
    void round_inputs(std::span<float> states) const;

    // Logits of vocabulary entries [first, first + count) for n_states rounded states:
    // out[i * count + j] is the logit of entry first + j after state i. `scratch` is resized as
    // needed and may be used again.
    void logits(std::span<const float> states, size_t n_states, size_t first, size_t count,
                std::span<float> out, std::vector<float>& scratch) const;

  private:
    bool is_quantized() const;
    std::span<const std::byte> rows(size_t first, size_t count) const;
    void finish(size_t n_states, size_t first, size_t count, std::span<float> out) const;
    void apply_transform(size_t n_states, size_t first, size_t count, std::span<float> out) const;

    int type_id_;
    size_t vocabulary_;
    size_t width_;
    size_t row_bytes_;
    bool keeps_inputs_ = false;
    std::span<const std::byte> weights_;
    HeadTransform transform_;
    std::function<void(size_t, size_t)> release_;
};

// The state type that loses nothing the product of `type_id` would see: "bf16" for BF16 weights,
// "f16" for F16; "f16" also for all others, whose loss is measured.
std::string natural_state_precision(int type_id);

// Finds scale and softcap such that `products` (one head product per entry) become `logits`: the
// scale by least squares, snapped to 1; `softcap` as the model's header states it (0: none).
HeadTransform fit_transform(std::span<const float> products, std::span<const float> logits,
                            double softcap, std::vector<float> bias);

}  // namespace bitgauge
