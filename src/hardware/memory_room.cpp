#include "hardware/memory_room.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// "MemAvailable:  123 kB" or "inactive_file 123": the number behind the name.
std::optional<uint64_t> named_number(const fs::path& path, const std::string& name) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string key;
        uint64_t value = 0;
        if (words >> key >> value && key == name) return value;
    }
    return std::nullopt;
}

// Nothing for "max", or where there is no such file.
std::optional<uint64_t> only_number(const fs::path& path) {
    std::ifstream file(path);
    uint64_t value = 0;
    if (file >> value) return value;
    return std::nullopt;
}

// What a group may still take: its limit less what it holds that is not merely a cache of files.
std::optional<uint64_t> left_in(const fs::path& group, const char* limit, const char* usage,
                                const char* cache) {
    const auto most = only_number(group / limit);
    const auto used = only_number(group / usage);
    if (!most || !used) return std::nullopt;
    const uint64_t files = named_number(group / "memory.stat", cache).value_or(0);
    const uint64_t held = *used - std::min(*used, files);
    return *most - std::min(*most, held);
}

struct Groups {
    fs::path mount;  // of the hierarchy that limits memory
    fs::path path;   // of this process in it
    bool version_2 = false;
};

// Lines are "4:memory:/path" (version 1) and "0::/path" (version 2).
std::optional<Groups> groups_of_process(const fs::path& root) {
    std::ifstream file(root / "proc/self/cgroup");
    std::optional<Groups> found;
    std::string line;
    while (std::getline(file, line)) {
        const size_t first = line.find(':');
        const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const fs::path path = fs::path(line.substr(second + 1)).relative_path();
        const fs::path mounts = root / "sys/fs/cgroup";
        if (("," + controllers + ",").find(",memory,") != std::string::npos) {
            return Groups{mounts / "memory", path, false};
        }
        if (controllers.empty()) found = Groups{mounts, path, true};
    }
    return found;
}

// The least that this process's group and those above it leave.
std::optional<uint64_t> left_in_groups(const fs::path& root) {
    const auto groups = groups_of_process(root);
    if (!groups) return std::nullopt;
    std::optional<uint64_t> least;
    for (fs::path path = groups->path;; path = path.parent_path()) {
        const fs::path group = groups->mount / path;
        const auto left = groups->version_2
                              ? left_in(group, "memory.max", "memory.current", "inactive_file")
                              : left_in(group, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                        "total_inactive_file");
        if (left) least = std::min(least.value_or(*left), *left);
        if (path.empty()) return least;
    }
}

}  // namespace

MemoryRoom memory_room(const fs::path& root) {
    const auto machine = named_number(root / "proc/meminfo", "MemAvailable:");
    const uint64_t bytes = machine ? *machine * 1024 : UINT64_MAX;
    const auto group = left_in_groups(root);
    if (group && *group < bytes) return {*group, "a limit on this process's group"};
    return {bytes, "the machine"};
}

MemoryRoom available_memory() {
    return memory_room("/");
}

}  // namespace bitgauge
