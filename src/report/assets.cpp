#include "report/assets.h"

#include <cassert>
#include <span>

namespace bitgauge {

std::string_view asset(std::string_view name) {
    for (const Asset& entry : std::span(kAssets, kAssetsCount)) {
        if (entry.name == name) return entry.content;
    }
    assert(!"no such asset");
    return {};
}

std::vector<std::string> asset_names(std::string_view prefix) {
    std::vector<std::string> names;
    for (const Asset& entry : std::span(kAssets, kAssetsCount)) {
        if (entry.name.starts_with(prefix)) names.emplace_back(entry.name);
    }
    return names;
}

}  // namespace bitgauge
