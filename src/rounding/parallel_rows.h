#pragma once

// Loops over parts of one matrix.

#include <cstddef>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

namespace bitgauge {

// Matrices below are done before another thread has begun to help.
constexpr size_t kSharedWidth = 1024;

// run(i) for i of [first, last), on all threads where the matrix is wide. While it waits for
// others, a thread begins nothing but parts of this loop: what it would begin else, another matrix,
// wants memory of its own.
template <class Run>
void for_each_row(size_t first, size_t last, size_t width, const Run& run) {
    if (width < kSharedWidth) {
        for (size_t i = first; i < last; ++i) run(i);
        return;
    }
    tbb::this_task_arena::isolate([&] { tbb::parallel_for(first, last, run); });
}

}  // namespace bitgauge
