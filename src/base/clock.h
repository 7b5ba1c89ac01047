#pragma once

// How much time has passed, whatever happens to the date.

#include <chrono>

namespace bitgauge {

// Seconds since some moment in the past, the same one for the whole process.
inline double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace bitgauge
