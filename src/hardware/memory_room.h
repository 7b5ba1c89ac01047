#pragma once

// Where the kernel says how much memory there is; apart from it so that tests can lay out files of
// their own.

#include <filesystem>

#include "bitgauge/hardware.h"

namespace bitgauge {

// `root` in place of "/": proc/meminfo, proc/self/cgroup and sys/fs/cgroup are read below it.
MemoryRoom memory_room(const std::filesystem::path& root);

}  // namespace bitgauge
