#include "engine/sampler.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <llama.h>

namespace bitgauge {

// In the order llama.cpp's own programs apply them.
Sampler::Sampler(const SamplingOptions& options, uint64_t seed, uint32_t vocabulary)
    : chain_(nullptr, llama_sampler_free) {
    const bool penalizes = options.repeat_penalty != 1 && options.repeat_last != 0;
    if (options.temperature <= 0 && !penalizes) return;
    chain_.reset(llama_sampler_chain_init(llama_sampler_chain_default_params()));
    const auto add = [&](llama_sampler* step) { llama_sampler_chain_add(chain_.get(), step); };
    if (penalizes) {
        add(llama_sampler_init_penalties(static_cast<int32_t>(vocabulary), options.repeat_last,
                                         options.repeat_penalty, 0, 0));
    }
    if (options.temperature <= 0) {
        add(llama_sampler_init_greedy());
        return;
    }
    if (options.top_k > 0) add(llama_sampler_init_top_k(options.top_k));
    if (options.top_p < 1) add(llama_sampler_init_top_p(options.top_p, 1));
    if (options.min_p > 0) add(llama_sampler_init_min_p(options.min_p, 1));
    add(llama_sampler_init_temp(options.temperature));
    add(llama_sampler_init_dist(static_cast<uint32_t>(seed ^ (seed >> 32))));
}

Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

void Sampler::accept(TokenId token) {
    if (chain_) llama_sampler_accept(chain_.get(), token);
}

TokenId Sampler::next(std::span<const float> logits) {
    if (!chain_) {
        return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) -
                                    logits.begin());
    }
    std::vector<llama_token_data> candidates(logits.size());
    for (size_t i = 0; i < logits.size(); ++i) {
        candidates[i] = {static_cast<llama_token>(i), logits[i], 0};
    }
    llama_token_data_array row = {candidates.data(), candidates.size(), -1, false};
    llama_sampler_apply(chain_.get(), &row);
    const TokenId token = row.data[row.selected].id;
    llama_sampler_accept(chain_.get(), token);
    return token;
}

}  // namespace bitgauge
