#pragma once

// So many threads as were asked for, and not one more; private to this room.

#include <cstddef>
#include <cstdint>

#include <tbb/task_arena.h>

namespace bitgauge {

// Calls work(pieces in flight) where TBB's algorithms use `threads` threads; 0: one per core.
template <class Work>
void in_worker_threads(uint32_t threads, const Work& work) {
    tbb::task_arena arena(threads == 0 ? tbb::task_arena::automatic : static_cast<int>(threads));
    arena.execute([&] {
        const auto count = static_cast<size_t>(arena.max_concurrency());
        work(2 * count + 2);
    });
}

}  // namespace bitgauge
