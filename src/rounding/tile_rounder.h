#pragma once

// Rounds a tile of rows with feedback, block of columns by block: one product for what comes before
// a block, then column by column within it. One tile a value; threads have their own.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rounding/aligned.h"
#include "rounding/tile_grid.h"
#include "rounding/unit_metric.h"

namespace bitgauge {

// How errors in some channels change the targets of others, in the order of a factor.
struct Influence {
    const std::vector<float>& matrix;
    const std::vector<UnitMetric>& metrics;
};

class TileRounder {
  public:
    // Of channels in runs of the type's feedback_unit(). The order outlives this.
    TileRounder(int type_id, std::span<const uint32_t> order);

    // `target`: kTileRows rows, of which the first `rows` count. `encoded`: their encoded rows,
    // whose scales stay.
    void load(std::span<const float> target, std::span<const std::byte> encoded, size_t rows);
    // Feedback of errors in earlier channels, by a factor's upper matrix.
    void feed_back(const Influence& influence);
    // One pass of coordinate descent, by a coupling; after feed_back().
    void sweep(const Influence& influence);
    // What was chosen, into the rows that were loaded.
    void store(std::span<std::byte> encoded, size_t rows) const;

  private:
    void feed_back_into(const Influence& influence, size_t first, size_t columns);
    void sweep_into(const Influence& influence, size_t first, size_t columns);
    void add_influence(const Influence& influence, size_t from, size_t count, size_t first,
                       size_t columns);
    void add_later_within(const Influence& influence, size_t first, size_t columns);
    void round_block(const Influence& influence, size_t first, size_t columns);

    size_t width_;
    size_t unit_;
    std::unique_ptr<TileGrid> grid_;
    std::vector<uint32_t> places_;  // of each channel, its column
    // Columns of kTileRows each.
    AlignedVector<float> target_;
    AlignedVector<float> errors_;
    AlignedVector<float> block_;  // errors of the block at work
};

}  // namespace bitgauge
