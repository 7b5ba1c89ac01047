#pragma once

// How far a candidate's next-token distribution lies from the original's, from logits that arrive
// in tiles of the vocabulary: running maxima and sums, merged in any grouping, so that the logits
// of a position never all exist.
//
// With l the original's logits, m the candidate's, both unnormalized:
//   KL(P || Q) = sum_v P(v) (l_v - m_v) - (lse(l) - lse(m)),   P(v) = exp(l_v - lse(l))
// [Kullback & Leibler 1951]; running maxima as in online softmax [Milakov & Gimelshein 2018].
// Natural logarithms; nats; lower is better. Thread-safe: no state.

#include <cstdint>
#include <limits>
#include <span>

#include "bitgauge/token.h"

namespace bitgauge {

// The original's part of one position. Merging tiles in a fixed order gives fixed bits.
struct ReferenceSums {
    double maximum = -std::numeric_limits<double>::infinity();  // of l
    double sum = 0;                                             // of exp(l - maximum)
    TokenId top = -1;                                           // lowest id among the largest

    void merge(const ReferenceSums& later);
};

// A candidate's part of one position.
struct CandidateSums {
    double maximum = -std::numeric_limits<double>::infinity();  // of m
    double sum = 0;                                             // of exp(m - maximum)
    double reference_maximum = -std::numeric_limits<double>::infinity();
    double cross = 0;  // sum of exp(l - reference_maximum) (l - m)
    TokenId top = -1;

    void merge(const CandidateSums& later);
};

// Sums over one tile: entries first_id ... first_id + reference.size() - 1. `weights` (same size)
// receives exp(l - maximum of the tile), 0 where l <= floor: what llama-perplexity leaves out
// (floor -16 on log-probabilities; -infinity otherwise).
ReferenceSums reference_tile(std::span<const float> reference, TokenId first_id, float floor,
                             std::span<float> weights);

// `reference`, `weights` and `tile` as of reference_tile() on the same entries.
CandidateSums candidate_tile(std::span<const float> reference, std::span<const float> weights,
                             const ReferenceSums& tile, std::span<const float> candidate,
                             TokenId first_id);

// What one scored position contributes.
struct TokenDivergence {
    double kld_nats = 0;        // KL(P || Q), >= 0 up to rounding
    double nll_nats = 0;        // -ln Q(next)
    double reference_nats = 0;  // -ln P(next)
    bool same_top = false;      // arg-max agrees; the lowest id wins a tie
    bool finite = false;        // false: a NaN or infinity was met, the other fields mean nothing
};

enum class ReferenceScale {
    kLogits,           // l is normalized here
    kLogProbabilities  // l is ln P already, as stored; nothing is normalized again
};

TokenDivergence finish_position(const ReferenceSums& reference, const CandidateSums& candidate,
                                double reference_next, double candidate_next, ReferenceScale scale);

}  // namespace bitgauge
