#pragma once

// Rounds a tile of rows to a scalar type: the steps of encode_rows() stay, integers are chosen with
// feedback, block of columns by block. One tile a value; threads have their own.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qtype/frozen_blocks.h"

#include "rounding/aligned.h"
#include "rounding/factor.h"
#include "rounding/feedback_kernel.h"

namespace bitgauge {

class TileRounder {
  public:
    // `factor` has runs of one channel and outlives this.
    TileRounder(int type_id, const Factor& factor);

    // `target`: kTileRows rows, of which the first `rows` count. `out`: their encoded rows; its
    // integers are replaced.
    void round(std::span<const float> target, size_t rows, std::span<std::byte> out);

  private:
    void load_target(std::span<const float> target);
    void load_steps(std::span<const std::byte> encoded, size_t rows);
    void feed_back();
    void round_block(size_t first, size_t columns);
    void store_levels(size_t rows, std::span<std::byte> out) const;

    int type_id_;
    const FrozenGrid& grid_;
    const Factor& factor_;
    std::vector<uint32_t> places_;  // of each channel, its column
    std::vector<uint32_t> groups_;  // of each column, its step's place
    // Columns of kTileRows each.
    AlignedVector<float> target_;
    AlignedVector<float> errors_;
    AlignedVector<uint8_t> levels_;
    AlignedVector<float> steps_;
    AlignedVector<float> inverses_;
    AlignedVector<float> offsets_;
};

}  // namespace bitgauge
