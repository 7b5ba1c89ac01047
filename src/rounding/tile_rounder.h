#pragma once

// Rounds a tile of rows with feedback, block of columns by block: one product for what comes before
// a block, then column by column within it. One tile a value; threads have their own.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rounding/aligned.h"
#include "rounding/factor.h"
#include "rounding/tile_grid.h"

namespace bitgauge {

class TileRounder {
  public:
    // `factor` has runs of the type's feedback_unit(), of units with their `metrics`; both outlive
    // this.
    TileRounder(int type_id, const Factor& factor, std::span<const UnitMetric> metrics);

    // `target`: kTileRows rows, of which the first `rows` count. `out`: their encoded rows, whose
    // scales stay.
    void round(std::span<const float> target, size_t rows, std::span<std::byte> out);

  private:
    void load_target(std::span<const float> target);
    void feed_back();
    void round_block(size_t first, size_t columns);

    const Factor& factor_;
    std::unique_ptr<TileGrid> grid_;
    std::vector<uint32_t> places_;  // of each channel, its column
    // Columns of kTileRows each.
    AlignedVector<float> target_;
    AlignedVector<float> errors_;
};

}  // namespace bitgauge
