#include "rounding/tile_rounder.h"

#include <algorithm>

#include "linear/blas.h"
#include "rounding/feedback_kernel.h"

namespace bitgauge {
namespace {

// What comes before a block is one product; within it, columns wait for each other.
constexpr size_t kBlockColumns = 128;

}  // namespace

TileRounder::TileRounder(int type_id, std::span<const uint32_t> order)
    : width_(order.size()),
      unit_(feedback_unit(type_id)),
      grid_(make_tile_grid(type_id, order)),
      places_(width_),
      target_(width_ * kTileRows),
      errors_(target_.size()),
      block_(kBlockColumns * kTileRows) {
    for (size_t k = 0; k < width_; ++k) places_[order[k]] = static_cast<uint32_t>(k);
}

void TileRounder::load(std::span<const float> target, std::span<const std::byte> encoded,
                       size_t rows) {
    load_columns(target.data(), width_, places_.data(), target_.data());
    grid_->load(encoded, rows);
}

void TileRounder::feed_back(const Influence& influence) {
    for (size_t first = 0; first < width_; first += kBlockColumns) {
        feed_back_into(influence, first, std::min(kBlockColumns, width_ - first));
    }
}

void TileRounder::sweep(const Influence& influence) {
    for (size_t first = 0; first < width_; first += kBlockColumns) {
        sweep_into(influence, first, std::min(kBlockColumns, width_ - first));
    }
}

void TileRounder::store(std::span<std::byte> encoded, size_t rows) const {
    grid_->store(encoded, rows);
}

void TileRounder::feed_back_into(const Influence& influence, size_t first, size_t columns) {
    std::copy_n(target_.data() + first * kTileRows, columns * kTileRows, block_.data());
    add_influence(influence, 0, first, first, columns);
    round_block(influence, first, columns);
}

void TileRounder::sweep_into(const Influence& influence, size_t first, size_t columns) {
    const size_t end = first + columns;
    std::copy_n(target_.data() + first * kTileRows, columns * kTileRows, block_.data());
    add_influence(influence, 0, first, first, columns);
    add_influence(influence, end, width_ - end, first, columns);
    add_later_within(influence, first, columns);
    round_block(influence, first, columns);
}

// Of `count` columns outside of the block.
void TileRounder::add_influence(const Influence& influence, size_t from, size_t count, size_t first,
                                size_t columns) {
    if (count == 0) return;
    add_product(1, {influence.matrix.data() + from * width_ + first, count, columns, width_},
                Form::kTransposed, {errors_.data() + from * kTileRows, count, kTileRows, kTileRows},
                Form::kPlain, {block_.data(), columns, kTileRows, kTileRows});
}

// Of the block's columns behind each: those before it are added as they are rounded.
void TileRounder::add_later_within(const Influence& influence, size_t first, size_t columns) {
    std::vector<float> later(columns * columns);
    for (size_t i = 0; i < columns; ++i) {
        const float* row = influence.matrix.data() + (first + i) * width_ + first;
        std::copy_n(row, i / unit_ * unit_, later.data() + i * columns);
    }
    add_product(1, {later.data(), columns, columns, columns}, Form::kTransposed,
                {errors_.data() + first * kTileRows, columns, kTileRows, kTileRows}, Form::kPlain,
                {block_.data(), columns, kTileRows, kTileRows});
}

void TileRounder::round_block(const Influence& influence, size_t first, size_t columns) {
    const bool units = !influence.metrics.empty();
    grid_->round({.first = first,
                  .columns = columns,
                  .target = target_.data() + first * kTileRows,
                  .errors = block_.data(),
                  .feedback = influence.matrix.data() + first * width_ + first,
                  .stride = width_,
                  .metrics = units ? influence.metrics.data() + first / unit_ : nullptr});
    std::copy_n(block_.data(), columns * kTileRows, errors_.data() + first * kTileRows);
}

}  // namespace bitgauge
