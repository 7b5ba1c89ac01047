#pragma once

// One pass over the original before anything is written: its content hash, and which tensors hold
// values that nothing can be made of.

#include <cstdint>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"
#include "bitgauge/progress.h"

namespace bitgauge {

struct TensorScan {
    uint64_t nan = 0;
    uint64_t infinite = 0;
    uint64_t too_large = 0;  // finite, beyond the limit
    float largest = 0;       // magnitude, of the finite ones; exact where anything is wrong

    bool good() const { return nan + infinite + too_large == 0; }
    void merge(const TensorScan& other);
};

struct OriginalScan {
    std::string content_hash;         // ModelIdentity::content_hash
    std::vector<TensorScan> tensors;  // in the order of GgufFile::tensors()
};

// Magnitude up to which every value of a tensor can be encoded. Most types multiply small integers
// with scales in F16, which end at 65504; how much of the integers a search uses is not known
// before. FLT_MAX where the type holds any float. `copied`: no limit.
float largest_encodable(int type_id, bool copied);

// `limits`: one magnitude per tensor. Reads every byte once, in parallel; a few MiB per thread.
// Throws Error as PositionedReader does, and Error(kInterrupted).
OriginalScan scan_original(const GgufFile& original, const std::vector<float>& limits,
                           uint32_t threads, Progress& progress);

// "2 NaN, 1 infinite, 3 beyond 65504 (up to 3.2e+20)".
std::string describe(const TensorScan& scan, float limit);

}  // namespace bitgauge
