#pragma once

// How much time has passed, whatever happens to the date; and the date.

#include <chrono>
#include <string>

namespace bitgauge {

// Seconds since some moment in the past, the same one for the whole process.
inline double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// "2026-11-22T12:00:00Z"
std::string utc_now();

}  // namespace bitgauge
