#pragma once

// The devices that are known by name.

#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge {

struct KnownDevice {
    std::string name;  // "rtx4090"
    std::string title;
    bool unified = false;
    std::vector<uint64_t> memory_gib;  // that it comes with
    double bytes_per_second = 0;
    double bus_bits = 0;
    double bits_per_second_per_pin = 0;
    // Of unified memory, that the graphics part may have unless it is told otherwise.
    double graphics_share = 1;
    double graphics_share_of_small = 1;  // up to 36 GiB
    double never_free = 0;               // share of a card's memory
    std::string source;
};

const std::vector<KnownDevice>& known_devices();

}  // namespace bitgauge
