#include "eval/dense_logits.h"

#include <algorithm>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

namespace bitgauge {
namespace {

constexpr size_t kTileRows = 512;

}  // namespace

std::vector<float> dense_logits(const Head& head, std::span<const float> states) {
    const HeadInputs inputs = head.prepare({states.begin(), states.end()});
    const size_t rows = inputs.rows;
    std::vector<float> all(rows * head.vocabulary());
    const auto tiles = tbb::blocked_range<size_t>(0, head.vocabulary(), kTileRows);
    tbb::parallel_for(tiles, [&](const tbb::blocked_range<size_t>& range) {
        std::vector<float> tile;
        HeadScratch scratch;
        for (size_t first = range.begin(); first < range.end(); first += kTileRows) {
            const size_t count = std::min(kTileRows, range.end() - first);
            tile.resize(rows * count);
            head.logits(inputs, 0, rows, first, count, tile, scratch);
            for (size_t i = 0; i < rows; ++i) {
                std::copy_n(tile.begin() + static_cast<ptrdiff_t>(i * count), count,
                            all.begin() + static_cast<ptrdiff_t>(i * head.vocabulary() + first));
            }
        }
    });
    return all;
}

}  // namespace bitgauge
