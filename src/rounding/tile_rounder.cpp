#include "rounding/tile_rounder.h"

#include <algorithm>

#include "linear/blas.h"
#include "rounding/feedback_kernel.h"

namespace bitgauge {
namespace {

// What comes before a block is one product; within it, columns wait for each other.
constexpr size_t kBlockColumns = 128;
// Channels of a row in one line of the cache.
constexpr size_t kLineChannels = 16;

}  // namespace

TileRounder::TileRounder(int type_id, const Factor& factor, std::span<const UnitMetric> metrics)
    : factor_(factor),
      grid_(make_tile_grid(type_id, factor.order, metrics)),
      places_(factor.width),
      target_(factor.width * kTileRows),
      errors_(target_.size()) {
    for (size_t k = 0; k < factor.width; ++k) places_[factor.order[k]] = static_cast<uint32_t>(k);
}

void TileRounder::round(std::span<const float> target, size_t rows, std::span<std::byte> out) {
    load_target(target);
    grid_->load(out, rows);
    feed_back();
    grid_->store(out, rows);
}

void TileRounder::load_target(std::span<const float> target) {
    const size_t width = factor_.width;
    for (size_t first = 0; first < width; first += kLineChannels) {
        for (size_t r = 0; r < kTileRows; ++r) {
            const float* from = target.data() + r * width;
            for (size_t c = first; c < first + kLineChannels; ++c) {
                target_[places_[c] * kTileRows + r] = from[c];
            }
        }
    }
}

void TileRounder::feed_back() {
    for (size_t first = 0; first < factor_.width; first += kBlockColumns) {
        round_block(first, std::min(kBlockColumns, factor_.width - first));
    }
}

void TileRounder::round_block(size_t first, size_t columns) {
    const size_t width = factor_.width;
    float* errors = errors_.data() + first * kTileRows;
    const float* target = target_.data() + first * kTileRows;
    std::copy_n(target, columns * kTileRows, errors);
    if (first != 0) {
        add_product(1, {factor_.upper.data() + first, first, columns, width}, Form::kTransposed,
                    {errors_.data(), first, kTileRows, kTileRows}, Form::kPlain,
                    {errors, columns, kTileRows, kTileRows});
    }
    grid_->round({.first = first,
                  .columns = columns,
                  .target = target,
                  .errors = errors,
                  .feedback = factor_.upper.data() + first * width + first,
                  .stride = width});
}

}  // namespace bitgauge
