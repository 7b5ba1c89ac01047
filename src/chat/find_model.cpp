#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/chat.h"
#include "bitgauge/error.h"

#include "base/units.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRevision = "main";

bool is_path(const std::string& name) {
    std::error_code unknown;
    return fs::exists(name, unknown) || name.ends_with(".gguf") ||
           (!name.empty() && std::string_view("/.~").find(name.front()) != std::string_view::npos);
}

// All shards of what the tag names, where the cache has every one.
std::optional<fs::path> in_cache(const HubName& name, HubOptions options) {
    options.offline = true;
    try {
        const HubListing listing = list_repository(name.repository, kRevision, options);
        const auto files = choose_files(listing, name.tag, /*with_projector=*/false);
        const auto places = find_places(listing, files, {}, options);
        const bool whole = std::ranges::all_of(
            places, [](const HubPlace& place) { return place.state == HubState::kPresent; });
        if (whole && !places.empty()) return places.front().path;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInput) throw;
    }
    return std::nullopt;
}

uint64_t bytes_of(const std::vector<HubFile>& files) {
    uint64_t bytes = 0;
    for (const HubFile& file : files) bytes += file.bytes;
    return bytes;
}

fs::path fetch(const HubName& name, const HubOptions& options, Progress& progress) {
    const HubListing listing = list_repository(name.repository, kRevision, options);
    const auto files = choose_files(listing, name.tag, /*with_projector=*/false);
    progress.detail(fmt::format("'{}' of {} is fetched: {}", files.front().path, name.repository,
                                format_bytes(bytes_of(files))));
    return pull_files(listing, files, {}, options, progress).front().path;
}

}  // namespace

fs::path find_model(const std::string& name, const HubOptions& options, Progress& progress) {
    if (is_path(name)) return name;
    if (name.find('/') == std::string::npos) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is neither a file nor the name of a repository", name),
                    "a repository is USER/NAME or USER/NAME:TAG, such as "
                    "unsloth/Qwen3-8B-GGUF:Q4_K_M");
    }
    const HubName parsed = parse_hub_name(name);
    if (const auto cached = in_cache(parsed, options)) return *cached;
    return fetch(parsed, options, progress);
}

}  // namespace bitgauge
