#pragma once

// The divergence fused with the head: for a block of positions the vocabulary goes by in tiles, the
// original's tile is made once for all candidates, and what stays of a tile is a few sums.
//
// Memory: a tile of decoded weights and three tiles of logits per thread, never a whole row.
// Threads: spans of the vocabulary and blocks of positions run in parallel; sums are merged in a
// fixed order, so that the result does not depend on the number of threads.

#include <span>
#include <vector>

#include "bitgauge/token.h"

#include "eval/logit_tiles.h"

namespace bitgauge {

// One value per scored position. p_candidate(next) - p_original(next) follows from the two nll.
struct PositionValues {
    std::vector<double> kld;
    std::vector<double> nll;           // -ln of the candidate's probability of the next token
    std::vector<double> nll_original;  // the original's
    std::vector<int32_t> same_top;     // 1 or 0
    std::vector<int32_t> finite;       // 1 or 0; 0: the other values of the position mean nothing

    size_t size() const { return kld.size(); }
    void resize(size_t n);
    void set(size_t i, const PositionValues& from, size_t j);
    void append(const PositionValues& more);
    void push_back(const TokenDivergence& d);
};

// How the original's tiles are read.
struct ReferenceReading {
    ReferenceScale scale = ReferenceScale::kLogits;
    // Log-probabilities at or below are left out of the sum (llama-perplexity: -16).
    float floor = -std::numeric_limits<float>::infinity();
};

// Every candidate against the original over the same positions; next[i] is the token that follows
// position i. Requires equal positions and vocabularies.
std::vector<PositionValues> diverge(const LogitTiles& original,
                                    std::span<const LogitTiles* const> candidates,
                                    std::span<const TokenId> next, const ReferenceReading& reading);

}  // namespace bitgauge
