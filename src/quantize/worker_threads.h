#pragma once

// So many threads as were asked for, and not one more; private to this room.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <tbb/info.h>
#include <tbb/task_arena.h>

namespace bitgauge {

// Calls work(pieces in flight) where TBB's algorithms use `threads` threads; 0: one per core, and
// never more than that.
template <class Work>
void in_worker_threads(uint32_t threads, const Work& work) {
    const auto cores = static_cast<uint32_t>(tbb::info::default_concurrency());
    tbb::task_arena arena(static_cast<int>(threads == 0 ? cores : std::min(threads, cores)));
    arena.execute([&] {
        const auto count = static_cast<size_t>(arena.max_concurrency());
        work(2 * count + 2);
    });
}

}  // namespace bitgauge
