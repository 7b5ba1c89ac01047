#pragma once

// Sizes of buffers out of libllama's log. Its public interface does not have them, and the log is
// part of that: a wording that changes leaves a size out and is noticed, an internal structure that
// changes would not be (docs/decisions/0023-fit.md).

#include <cstdint>
#include <span>
#include <string>

#include "bitgauge/context_memory.h"

namespace bitgauge {

// Bytes, to 0.01 MiB as they are logged. `tokens` stays 0.
struct LoggedMemory {
    uint64_t weights = 0;  // 0 where nothing was allocated
    ContextMemory context;
    bool has_compute = false;  // a context was made
};

// Of the lines that one model and one context of it logged. Keys, values and states: what the
// summaries say ("size = 4.00 MiB (4096 cells ..."), which are there also without allocation. Of a
// buffer that is logged twice the last size counts.
LoggedMemory memory_in_log(std::span<const std::string> lines);

}  // namespace bitgauge
