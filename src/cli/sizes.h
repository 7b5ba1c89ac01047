#pragma once

// Sizes on the command line.

#include <cstdint>
#include <string>

namespace bitgauge {

// "20GiB", "24GB", "500M", "1.5 GiB", "12345": bytes. K, M, G and T alone are powers of 1000 as KB,
// MB, GB and TB are; KiB ... TiB powers of 1024. Letter case does not matter. Error(kInput) for
// anything else.
uint64_t parse_size(const std::string& text);

}  // namespace bitgauge
