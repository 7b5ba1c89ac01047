#include "eval/logit_tiles.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "eval/log_probability_rows.h"

namespace bitgauge {

HeadTiles::HeadTiles(const Head& head, std::vector<float> states)
    : head_(head), inputs_(head.prepare(std::move(states))) {}

void HeadTiles::tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
                     HeadScratch& scratch) const {
    head_.logits(inputs_, row, rows, first, count, out, scratch);
}

StoredTiles::StoredTiles(std::span<const uint16_t> rows, size_t vocabulary)
    : rows_(rows), vocabulary_(vocabulary), row_values_(log_probability_row_values(vocabulary)) {}

void StoredTiles::tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
                       HeadScratch&) const {
    for (size_t i = 0; i < rows; ++i) {
        const auto stored = rows_.subspan((row + i) * row_values_, row_values_);
        decode_log_probabilities(stored, first, out.subspan(i * count, count));
    }
}

DenseTiles::DenseTiles(std::span<const float> logits, size_t vocabulary)
    : logits_(logits), vocabulary_(vocabulary) {}

void DenseTiles::tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
                      HeadScratch&) const {
    for (size_t i = 0; i < rows; ++i) {
        const auto source = logits_.subspan((row + i) * vocabulary_ + first, count);
        std::ranges::copy(source, out.begin() + static_cast<ptrdiff_t>(i * count));
    }
}

}  // namespace bitgauge
