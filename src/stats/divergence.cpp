#include "stats/divergence.h"

#include <cmath>

#include "stats/divergence_kernels.h"

namespace bitgauge {
namespace {

// exp(a - b) that is 0 where nothing was added yet and NaN only for NaN.
double rescale(double from, double to) {
    return from == -std::numeric_limits<double>::infinity() ? 0.0 : std::exp(from - to);
}

}  // namespace

void ReferenceSums::merge(const ReferenceSums& later) {
    const bool rises = later.maximum > maximum;
    const double common = rises ? later.maximum : maximum;
    sum = sum * rescale(maximum, common) + later.sum * rescale(later.maximum, common);
    if (rises) top = later.top;
    maximum = common;
}

void CandidateSums::merge(const CandidateSums& later) {
    const double common_reference = std::fmax(reference_maximum, later.reference_maximum);
    cross = cross * rescale(reference_maximum, common_reference) +
            later.cross * rescale(later.reference_maximum, common_reference);
    reference_maximum = common_reference;
    const bool rises = later.maximum > maximum;
    const double common = rises ? later.maximum : maximum;
    sum = sum * rescale(maximum, common) + later.sum * rescale(later.maximum, common);
    if (rises) top = later.top;
    maximum = common;
}

ReferenceSums reference_tile(std::span<const float> reference, TokenId first_id, float floor,
                             std::span<float> weights) {
    const TileMaximum most = tile_maximum(reference);
    const float sum = exponentials(reference, most.value, floor, weights);
    return {.maximum = most.value, .sum = sum, .top = first_id + most.index};
}

CandidateSums candidate_tile(std::span<const float> reference, std::span<const float> weights,
                             const ReferenceSums& tile, std::span<const float> candidate,
                             TokenId first_id) {
    const TileMaximum most = tile_maximum(candidate);
    // Differences are taken around the one that weighs most, so that single precision holds them.
    const auto pivot = static_cast<size_t>(tile.top - first_id);
    const float offset = reference[pivot] - candidate[pivot];
    const TileSums sums = cross_sums(reference, weights, candidate, most.value, offset);
    return {.maximum = most.value,
            .sum = sums.exponentials,
            .reference_maximum = tile.maximum,
            .cross = sums.cross + double{offset} * tile.sum,
            .top = first_id + most.index};
}

TokenDivergence finish_position(const ReferenceSums& reference, const CandidateSums& candidate,
                                double reference_next, double candidate_next,
                                ReferenceScale scale) {
    const double candidate_lse = candidate.maximum + std::log(candidate.sum);
    const double weight = std::exp(reference.maximum);
    const double reference_lse =
        scale == ReferenceScale::kLogits ? reference.maximum + std::log(reference.sum) : 0.0;
    TokenDivergence result;
    result.kld_nats = scale == ReferenceScale::kLogits
                          ? candidate.cross / reference.sum - (reference_lse - candidate_lse)
                          : weight * (candidate.cross + candidate_lse * reference.sum);
    result.nll_nats = candidate_lse - candidate_next;
    result.reference_nats = reference_lse - reference_next;
    result.same_top = reference.top == candidate.top;
    result.finite = std::isfinite(result.kld_nats) && std::isfinite(result.nll_nats) &&
                    std::isfinite(result.reference_nats);
    return result;
}

}  // namespace bitgauge
