#pragma once

// The values a tile of encoded rows can take while its scales stay, and the choice of one for each
// weight: the part of rounding that depends on the type. Of one tile, so of one thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace bitgauge {

struct UnitMetric;

// Columns `first` to first + columns of a tile in the order of the feedback (feedback_kernel.h says
// what the pointers hold).
struct TileColumns {
    size_t first;
    size_t columns;
    const float* target;
    float* errors;
    const float* feedback;
    size_t stride;
    const UnitMetric* metrics;  // of the units of these columns, for points of a grid
};

class TileGrid {
  public:
    virtual ~TileGrid() = default;

    // Steps of `rows` encoded rows, at most kTileRows.
    virtual void load(std::span<const std::byte> encoded, size_t rows) = 0;
    // Column by column, or unit by unit: errors become w - v.
    virtual void round(const TileColumns& columns) = 0;
    // What was chosen, into the rows that were loaded.
    virtual void store(std::span<std::byte> encoded, size_t rows) const = 0;
};

// Of the channels in `order`, which outlives the grid. `type_id` has a feedback_unit().
std::unique_ptr<TileGrid> make_tile_grid(int type_id, std::span<const uint32_t> order);

// Channels that are rounded at once: 1, kUnitWeights, or 0 for types that cannot be.
size_t feedback_unit(int type_id);

}  // namespace bitgauge
