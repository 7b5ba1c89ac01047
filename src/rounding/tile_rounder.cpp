#include "rounding/tile_rounder.h"

#include <algorithm>
#include <cmath>

#include "linear/blas.h"

namespace bitgauge {
namespace {

// What comes before a block is one product; within it, columns wait for each other.
constexpr size_t kBlockColumns = 128;
// Channels of a row in one line of the cache.
constexpr size_t kLineChannels = 16;

float inverse_of(float step) {
    const float inverse = 1 / step;
    return std::isfinite(inverse) ? inverse : 0;
}

}  // namespace

TileRounder::TileRounder(int type_id, const Factor& factor)
    : type_id_(type_id),
      grid_(*frozen_grid(type_id)),
      factor_(factor),
      places_(factor.width),
      groups_(factor.width),
      target_(factor.width * kTileRows),
      errors_(target_.size()),
      levels_(target_.size()),
      steps_(target_.size() / grid_.step_weights),
      inverses_(steps_.size()),
      offsets_(steps_.size()) {
    for (size_t k = 0; k < factor.width; ++k) {
        places_[factor.order[k]] = static_cast<uint32_t>(k);
        groups_[k] = static_cast<uint32_t>(factor.order[k] / grid_.step_weights);
    }
}

void TileRounder::round(std::span<const float> target, size_t rows, std::span<std::byte> out) {
    load_target(target);
    load_steps(out, rows);
    feed_back();
    store_levels(rows, out);
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

void TileRounder::load_steps(std::span<const std::byte> encoded, size_t rows) {
    const size_t row_bytes = encoded.size() / rows;
    const size_t groups = factor_.width / grid_.step_weights;
    std::vector<float> steps(groups);
    std::vector<float> offsets(groups);
    for (size_t r = 0; r < rows; ++r) {
        read_steps(type_id_, encoded.subspan(r * row_bytes, row_bytes), steps, offsets);
        for (size_t g = 0; g < groups; ++g) {
            steps_[g * kTileRows + r] = steps[g];
            inverses_[g * kTileRows + r] = inverse_of(steps[g]);
            offsets_[g * kTileRows + r] = offsets[g];
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
    round_columns(grid_, {.columns = columns,
                          .target = target,
                          .errors = errors,
                          .feedback = factor_.upper.data() + first * width + first,
                          .stride = width,
                          .groups = groups_.data() + first,
                          .steps = steps_.data(),
                          .inverses = inverses_.data(),
                          .offsets = offsets_.data(),
                          .levels = levels_.data() + first * kTileRows});
}

void TileRounder::store_levels(size_t rows, std::span<std::byte> out) const {
    const size_t row_bytes = out.size() / rows;
    std::vector<uint8_t> levels(factor_.width);
    for (size_t r = 0; r < rows; ++r) {
        for (size_t c = 0; c < levels.size(); ++c) levels[c] = levels_[places_[c] * kTileRows + r];
        write_levels(type_id_, levels, out.subspan(r * row_bytes, row_bytes));
    }
}

}  // namespace bitgauge
