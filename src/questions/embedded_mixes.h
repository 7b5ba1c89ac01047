#pragma once

// The files of mixes/, which are part of the program. Written into the build by
// cmake/EmbedFiles.cmake.

#include <cstddef>
#include <span>
#include <string_view>

namespace bitgauge {

struct EmbeddedMix {
    std::string_view name;  // "quick"
    std::string_view content;
};

extern const EmbeddedMix kEmbeddedMixes[];
extern const std::size_t kEmbeddedMixesCount;

inline std::span<const EmbeddedMix> embedded_mixes() {
    return {kEmbeddedMixes, kEmbeddedMixesCount};
}

}  // namespace bitgauge
