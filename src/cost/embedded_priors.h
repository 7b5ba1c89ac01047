#pragma once

// The files of data/priors/, which are part of the program. Written into the build by
// cmake/EmbedFiles.cmake.

#include <cstddef>
#include <span>
#include <string_view>

namespace bitgauge {

struct EmbeddedPrior {
    std::string_view name;  // "qwen3.5-35b-a3b.json"
    std::string_view content;
};

extern const EmbeddedPrior kEmbeddedPriors[];
extern const std::size_t kEmbeddedPriorsCount;

// Name of the one that holds no model but errors of types on normally distributed weights.
constexpr std::string_view kGaussianErrors = "gaussian-errors.json";

inline std::span<const EmbeddedPrior> embedded_priors() {
    return {kEmbeddedPriors, kEmbeddedPriorsCount};
}

}  // namespace bitgauge
