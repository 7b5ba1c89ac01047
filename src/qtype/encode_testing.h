#pragma once

// Weights that encoders are tested with: named patterns, each aimed at one branch of a scale
// search.

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace bitgauge {

enum class Pattern {
    kZeros,
    kConstant,
    kNegativeConstant,
    kTies,        // few values, on the boundaries between integers
    kAbsMaxTies,  // the largest magnitude with both signs
    kOutliers,
    kTiny,  // near the thresholds below which a block counts as zero
    kHuge,  // squares overflow
    kDenormal,
    kNormal,
    kUniform,
    kAllPositive,
    kAllNegative,
    kZeroBlocks,   // blocks of zeros, also of negative zeros, between others
    kBounds,       // halfway between levels, give or take a bit, under scales that are exact
    kMixedScales,  // blocks of very different size in one super-block
    kCount,
};

std::string pattern_name(Pattern pattern);

// The same bits for the same arguments, everywhere.
std::vector<float> pattern_weights(Pattern pattern, size_t count, uint32_t seed);

// kDamaged has negative values, NaN and infinities.
enum class Importance { kNone, kPlain, kWithZeros, kWide, kDamaged };
std::string importance_name(Importance importance);
std::vector<float> importance_values(Importance importance, size_t row_weights, uint32_t seed);

// Fails the running test when encode_rows() and ggml_quantize_chunk differ, naming the first block.
void expect_reference_bytes(int type_id, std::span<const float> in, size_t row_weights,
                            std::span<const float> importance, const std::string& what);

}  // namespace bitgauge
