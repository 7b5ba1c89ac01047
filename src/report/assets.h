#pragma once

// Files that are part of the program: the page's parts, the plot library, published tables. Written
// into the build by cmake/EmbedFiles.cmake.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge {

struct Asset {
    std::string_view name;  // "page.css", "published/qwen3.5-27b.json"
    std::string_view content;
};

extern const Asset kAssets[];
extern const std::size_t kAssetsCount;

// The content; requires a name that was embedded. The plot library "vega.js" is empty in builds
// without it.
std::string_view asset(std::string_view name);

// Names that start with `prefix`, in order.
std::vector<std::string> asset_names(std::string_view prefix);

}  // namespace bitgauge
