#pragma once

// A model and memories whose sizes are easily added up.

#include <cstdint>

#include "bitgauge/placement.h"

namespace bitgauge {

constexpr uint64_t kTestMiB = uint64_t{1} << 20;

// Of which exactly `bytes` are usable, up to rounding.
inline Memory usable_memory(uint64_t bytes, double rate = 0) {
    return {.name = "memory", .bytes = bytes * 20 / 19 + 20, .bytes_per_second = rate};
}

// Ten layers of 10 MiB and experts of 90 MiB, an embedding of 40 and a head of 50 MiB: 1,050 MiB on
// cards.
inline ModelParts sparse_model() {
    ModelParts parts;
    parts.embedding = {40 * kTestMiB, 1000};
    parts.output = {50 * kTestMiB, 50 * kTestMiB};
    const LayerParts layer{.shared = {10 * kTestMiB, 10 * kTestMiB},
                           .experts = {90 * kTestMiB, 9 * kTestMiB},
                           .kept_per_token = 1024};
    parts.layers.assign(10, layer);
    return parts;
}

}  // namespace bitgauge
