#include "rounding/tile_grid.h"

#include <cmath>
#include <vector>

#include "qtype/frozen_blocks.h"
#include "qtype/frozen_lattice.h"

#include "rounding/aligned.h"
#include "rounding/feedback_kernel.h"
#include "rounding/lattice_kernel.h"

namespace bitgauge {
namespace {

float inverse_of(float step) {
    const float inverse = 1 / step;
    return std::isfinite(inverse) ? inverse : 0;
}

// Steps by group of channels: that of row r in group g at [g * kTileRows + r].
struct TileSteps {
    explicit TileSteps(size_t groups)
        : steps(groups * kTileRows), inverses(steps.size()), offsets(steps.size()) {}

    size_t groups() const { return steps.size() / kTileRows; }

    void set(size_t row, std::span<const float> row_steps, std::span<const float> row_offsets) {
        for (size_t g = 0; g < groups(); ++g) {
            steps[g * kTileRows + row] = row_steps[g];
            inverses[g * kTileRows + row] = inverse_of(row_steps[g]);
            offsets[g * kTileRows + row] = row_offsets[g];
        }
    }

    AlignedVector<float> steps;
    AlignedVector<float> inverses;
    AlignedVector<float> offsets;
};

ColumnBlock block_of(const TileColumns& columns, const TileSteps& steps) {
    return {.columns = columns.columns,
            .target = columns.target,
            .errors = columns.errors,
            .feedback = columns.feedback,
            .stride = columns.stride,
            .groups = nullptr,
            .steps = steps.steps.data(),
            .inverses = steps.inverses.data(),
            .offsets = steps.offsets.data(),
            .levels = nullptr};
}

class ScalarGrid : public TileGrid {
  public:
    ScalarGrid(int type_id, std::span<const uint32_t> order)
        : type_id_(type_id),
          grid_(*frozen_grid(type_id)),
          order_(order),
          groups_(order.size()),
          steps_(order.size() / grid_.step_weights),
          levels_(order.size() * kTileRows) {
        for (size_t k = 0; k < order.size(); ++k) {
            groups_[k] = order[k] / static_cast<uint32_t>(grid_.step_weights);
        }
    }

    void load(std::span<const std::byte> encoded, size_t rows) override {
        const size_t row_bytes = encoded.size() / rows;
        std::vector<float> steps(steps_.groups());
        std::vector<float> offsets(steps.size());
        for (size_t r = 0; r < rows; ++r) {
            read_steps(type_id_, encoded.subspan(r * row_bytes, row_bytes), steps, offsets);
            steps_.set(r, steps, offsets);
        }
    }

    void round(const TileColumns& columns) override {
        ColumnBlock block = block_of(columns, steps_);
        block.groups = groups_.data() + columns.first;
        block.levels = levels_.data() + columns.first * kTileRows;
        round_columns(grid_, block);
    }

    void store(std::span<std::byte> encoded, size_t rows) const override {
        const size_t row_bytes = encoded.size() / rows;
        const size_t width = order_.size();
        std::vector<uint8_t> levels(kRowsAtOnce * width);
        for (size_t r = 0; r < rows; ++r) {
            if (r % kRowsAtOnce == 0) gather_levels(r, levels.data());
            write_levels(type_id_, std::span(levels).subspan(r % kRowsAtOnce * width, width),
                         encoded.subspan(r * row_bytes, row_bytes));
        }
    }

  private:
    static constexpr size_t kRowsAtOnce = 8;

    // Of some rows from `row` on, in the order of the channels.
    void gather_levels(size_t row, uint8_t* levels) const {
        for (size_t k = 0; k < order_.size(); ++k) {
            const uint8_t* from = levels_.data() + k * kTileRows + row;
            uint8_t* to = levels + order_[k];
            for (size_t r = 0; r < kRowsAtOnce; ++r) to[r * order_.size()] = from[r];
        }
    }

    int type_id_;
    const FrozenGrid& grid_;
    std::span<const uint32_t> order_;
    std::vector<uint32_t> groups_;
    TileSteps steps_;
    AlignedVector<uint8_t> levels_;
};

class LatticeGrid : public TileGrid {
  public:
    LatticeGrid(int type_id, std::span<const uint32_t> order)
        : type_id_(type_id),
          lattice_(*frozen_lattice(type_id)),
          groups_(order.size() / kUnitWeights),
          places_(groups_.size()),
          steps_(order.size() / lattice_.step_weights),
          points_(groups_.size() * kTileRows) {
        for (size_t u = 0; u < groups_.size(); ++u) {
            const uint32_t channel = order[u * kUnitWeights];
            groups_[u] = channel / static_cast<uint32_t>(lattice_.step_weights);
            places_[u] = channel / static_cast<uint32_t>(kUnitWeights);
        }
    }

    void load(std::span<const std::byte> encoded, size_t rows) override {
        const size_t row_bytes = encoded.size() / rows;
        std::vector<float> steps(steps_.groups());
        const std::vector<float> offsets(steps.size());
        for (size_t r = 0; r < rows; ++r) {
            read_lattice_steps(type_id_, encoded.subspan(r * row_bytes, row_bytes), steps);
            steps_.set(r, steps, offsets);
        }
    }

    void round(const TileColumns& columns) override {
        const size_t unit = columns.first / kUnitWeights;
        round_units(lattice_, {.block = block_of(columns, steps_),
                               .metrics = columns.metrics,
                               .groups = groups_.data() + unit,
                               .points = points_.data() + unit * kTileRows});
    }

    void store(std::span<std::byte> encoded, size_t rows) const override {
        const size_t row_bytes = encoded.size() / rows;
        std::vector<UnitPoint> points(places_.size());
        for (size_t r = 0; r < rows; ++r) {
            for (size_t u = 0; u < places_.size(); ++u) {
                points[places_[u]] = points_[u * kTileRows + r];
            }
            write_points(type_id_, points, encoded.subspan(r * row_bytes, row_bytes));
        }
    }

  private:
    int type_id_;
    const FrozenLattice& lattice_;
    std::vector<uint32_t> groups_;  // of each unit, its step's place
    std::vector<uint32_t> places_;  // of each unit, its place in a row
    TileSteps steps_;
    std::vector<UnitPoint> points_;
};

}  // namespace

std::unique_ptr<TileGrid> make_tile_grid(int type_id, std::span<const uint32_t> order) {
    if (frozen_grid(type_id) != nullptr) return std::make_unique<ScalarGrid>(type_id, order);
    return std::make_unique<LatticeGrid>(type_id, order);
}

size_t feedback_unit(int type_id) {
    if (frozen_grid(type_id) != nullptr) return 1;
    return frozen_lattice(type_id) != nullptr ? kUnitWeights : 0;
}

}  // namespace bitgauge
