#pragma once

// The grids on which IQ1, IQ2 and IQ3 place groups of weights, and for every other point of the
// cube the grid points that ggml considers instead of it.
//
// A point is a group of 8 (IQ1, IQ2) or 4 (IQ3) levels. Its code holds level i in bits
// [i * level_bits, (i + 1) * level_bits).

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitgauge {

enum class LatticeKind { kIq2Xxs, kIq2Xs, kIq2S, kIq3Xxs, kIq3S, kIq1 };

class Lattice {
  public:
    // Lists are read in steps of this many candidates; the last step repeats the last candidate.
    static constexpr size_t kStep = 8;

    // The grid is read from ggml by decoding every index once; built on the first call, which
    // takes some 50 ms. Thread-safe, as is everything here.
    static const Lattice& of(LatticeKind kind);

    size_t dims() const { return dims_; }
    size_t level_bits() const { return level_bits_; }

    // Place of the point in ggml's grid; only for points of the grid.
    uint32_t index_of(uint32_t code) const { return index_[code]; }
    // Code of a place in ggml's grid.
    uint32_t code_at(uint32_t index) const { return codes_[index]; }
    size_t grid_size() const { return codes_.size(); }

    // The candidates of a point, in ggml's order; no steps for points of the grid.
    struct Neighbours {
        uint32_t first_step : 24;
        uint32_t steps : 8;
    };
    Neighbours neighbours(uint32_t code) const { return lists_[code]; }
    // Codes, kStep to a step; aligned to a step.
    const uint16_t* candidates(uint32_t step) const { return candidates_.data() + step * kStep; }

  private:
    explicit Lattice(LatticeKind kind);
    Neighbours add_list(const std::vector<uint32_t>& list);

    size_t dims_;
    size_t levels_;
    size_t level_bits_;
    std::vector<uint32_t> codes_;       // by index
    std::vector<uint16_t> index_;       // by code
    std::vector<Neighbours> lists_;     // by code
    std::vector<uint16_t> candidates_;  // codes, kStep at a time
};

}  // namespace bitgauge
