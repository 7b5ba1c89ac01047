#include <algorithm>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bitgauge/hardware.h"

#include "base/clock.h"

namespace bitgauge {
namespace {

constexpr uint64_t kLeastBytes = uint64_t{256} << 20;
constexpr uint64_t kMostBytes = uint64_t{2} << 30;
constexpr size_t kLanes = 16;

// Larger than what caches keep; where the system does not say how large they are, the least.
uint64_t bytes_to_read() {
    const long cache = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
    const uint64_t wanted = cache > 0 ? 2 * static_cast<uint64_t>(cache) : 0;
    return std::clamp(std::min(wanted, available_memory().bytes / 4), kLeastBytes, kMostBytes);
}

// Independent sums, so that no addition waits for the one before.
uint64_t sum_of(const uint64_t* words, size_t count) {
    uint64_t sums[kLanes] = {};
    for (size_t i = 0; i + kLanes <= count; i += kLanes) {
        for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += words[i + lane];
    }
    uint64_t sum = 0;
    for (const uint64_t lane : sums) sum += lane;
    return sum;
}

template <class Work>
void on_threads(uint32_t threads, const Work& work) {
    std::vector<std::jthread> running;
    for (uint32_t i = 1; i < threads; ++i) running.emplace_back([&work, i] { work(i); });
    work(0);
}

}  // namespace

ReadBandwidth read_bandwidth(uint32_t threads, uint32_t passes) {
    threads = std::max(threads, 1U);
    const size_t words = bytes_to_read() / sizeof(uint64_t) / threads;
    std::vector<std::vector<uint64_t>> parts(threads);
    std::vector<uint64_t> sums(threads);
    on_threads(threads, [&](uint32_t i) { parts[i].assign(words, i + 1); });  // touched where read
    ReadBandwidth best{.bytes = words * threads * sizeof(uint64_t)};
    for (uint32_t pass = 0; pass < passes; ++pass) {
        const double began = steady_seconds();
        on_threads(threads, [&](uint32_t i) { sums[i] += sum_of(parts[i].data(), words); });
        const double seconds = steady_seconds() - began;
        best.bytes_per_second =
            std::max(best.bytes_per_second, static_cast<double>(best.bytes) / seconds);
    }
    // a use of the sums that no compiler can leave out
    if (std::count(sums.begin(), sums.end(), 0U) == static_cast<std::ptrdiff_t>(threads)) return {};
    return best;
}

}  // namespace bitgauge
