#pragma once

// Which token comes next: the likeliest, or one drawn by its probability.

#include <cstdint>
#include <memory>
#include <span>

#include "bitgauge/engine.h"

struct llama_sampler;

namespace bitgauge {

// Draws for one answer. The same settings and logits give the same tokens. Thread-compatible.
class Sampler {
  public:
    // `vocabulary` is for the repeat penalty alone.
    Sampler(const SamplingOptions& options, uint64_t seed, uint32_t vocabulary = 0);
    ~Sampler();
    Sampler(Sampler&&) noexcept;
    Sampler& operator=(Sampler&&) noexcept;

    // A token that was read, not drawn: the repeat penalty counts it.
    void accept(TokenId token);
    // `logits`: one per entry of the vocabulary. Greedy: the lowest of equals.
    TokenId next(std::span<const float> logits);

  private:
    std::unique_ptr<llama_sampler, void (*)(llama_sampler*)> chain_;  // null: greedy
};

}  // namespace bitgauge
