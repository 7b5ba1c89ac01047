#pragma once

// Small deterministic random numbers for resampling: equal seeds give equal draws on every machine
// and compiler, which <random>'s distributions do not promise.
//
// Not for cryptography. A generator per resample makes parallel resampling independent of the order
// in which threads take the work. No shared state.

#include <cstdint>

namespace bitgauge::stats {

// SplitMix64 [Steele, Lea & Flood 2014].
class SplitMix64 {
  public:
    explicit SplitMix64(uint64_t seed) : state_(seed) {}
    // The `stream`-th generator of a family: its first state is itself mixed, so streams do not
    // overlap as shifted copies of each other.
    SplitMix64(uint64_t seed, uint64_t stream)
        : state_(SplitMix64(seed ^ (stream * 0xd1342543de82ef95ULL)).next()) {}

    uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    // Two uniform integers in [0, n) from one draw; bias below n / 2^32. [Lemire 2019]
    struct Pair {
        uint32_t first, second;
    };
    Pair two_below(uint32_t n) {
        const uint64_t bits = next();
        return {static_cast<uint32_t>(((bits & 0xffffffffULL) * n) >> 32),
                static_cast<uint32_t>(((bits >> 32) * n) >> 32)};
    }

    // Uniform in (0, 1), 53 bits.
    double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53; }

  private:
    uint64_t state_;
};

}  // namespace bitgauge::stats
