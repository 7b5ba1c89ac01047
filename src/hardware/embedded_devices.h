#pragma once

// The files of data/devices/, which are part of the program. Written into the build by
// cmake/EmbedFiles.cmake.

#include <cstddef>
#include <string_view>

namespace bitgauge {

struct EmbeddedDevices {
    std::string_view name;  // "devices.json"
    std::string_view content;
};

extern const EmbeddedDevices kEmbeddedDevices[];
extern const std::size_t kEmbeddedDevicesCount;

}  // namespace bitgauge
