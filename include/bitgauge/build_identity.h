#pragma once

// By which programs and on which machine a number came about.

#include <cstdint>
#include <string>

namespace bitgauge {

struct BuildIdentity {
    std::string bitgauge;  // version
    std::string llama;     // version and commit
    std::string ggml;
    std::string backend;  // devices used: "CPU"
    std::string cpu;
    uint32_t threads = 0;
    std::string evaluation;  // "whole", or in how many stages and why that is the same
};

}  // namespace bitgauge
