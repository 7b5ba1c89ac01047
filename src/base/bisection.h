#pragma once

// Where a condition that holds up to some number, and not beyond, ends.

#include <concepts>
#include <cstdint>

namespace bitgauge {

// The first number of [begin, end) for which `holds` is false; `end` where it is true of all.
// [std::ranges::partition_point over std::views::iota, which clang 14 cannot compile.]
uint64_t first_beyond(uint64_t begin, uint64_t end, const std::predicate<uint64_t> auto& holds) {
    while (begin < end) {
        const uint64_t middle = begin + (end - begin) / 2;
        if (holds(middle)) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

}  // namespace bitgauge
