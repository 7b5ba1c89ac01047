#include "rounding/symmetric.h"

#include <algorithm>

#include "rounding/parallel_rows.h"

namespace bitgauge {
namespace {

constexpr size_t kSquare = 16;  // a row of it is a line of the cache

struct Target {
    float* matrix;
    size_t width;
    float factor;
};

// By way of a copy, so that every line is touched once: rows a power of two apart push each other
// out of the cache.
void mirror_square(const float* lower, size_t top, size_t left, const Target& to) {
    const size_t rows = std::min(kSquare, to.width - top);
    const size_t columns = std::min(kSquare, to.width - left);
    float square[kSquare][kSquare];
    for (size_t i = 0; i < rows; ++i) {
        const float* from = lower + (top + i) * to.width + left;
        for (size_t j = 0; j < columns; ++j) square[i][j] = to.factor * from[j];
    }
    if (top == left) {
        for (size_t i = 0; i < rows; ++i) {
            for (size_t j = 0; j < i; ++j) square[j][i] = square[i][j];
        }
    }
    for (size_t i = 0; i < rows; ++i) {
        std::copy_n(square[i], columns, to.matrix + (top + i) * to.width + left);
    }
    for (size_t j = 0; j < columns; ++j) {
        float* across = to.matrix + (left + j) * to.width + top;
        for (size_t i = 0; i < rows; ++i) across[i] = square[i][j];
    }
}

void permute_row(float* row, std::span<const uint32_t> order, std::vector<float>& spare) {
    std::copy_n(row, order.size(), spare.begin());
    for (size_t j = 0; j < order.size(); ++j) row[j] = spare[order[j]];
}

// Cycle by cycle: each row moves once.
void permute_rows(float* matrix, std::span<const uint32_t> order, std::vector<float>& spare) {
    const size_t width = order.size();
    std::vector<bool> done(width);
    for (size_t first = 0; first < width; ++first) {
        if (done[first]) continue;
        std::copy_n(matrix + first * width, width, spare.begin());
        size_t to = first;
        for (; order[to] != first; to = order[to]) {
            std::copy_n(matrix + order[to] * width, width, matrix + to * width);
            done[to] = true;
        }
        std::copy_n(spare.begin(), width, matrix + to * width);
        done[to] = true;
    }
}

// Where a row and column of the matrix go: entry (i, j), i <= j, of a TiledTriangle is
// row[i] + column[j].
struct Place {
    uint32_t row;
    uint32_t column;
};

std::vector<Place> places_of(std::span<const uint32_t> order) {
    std::vector<Place> places(order.size());
    for (uint32_t i = 0; i < order.size(); ++i) {
        places[order[i]] = {TiledTriangle::row_offset(i), TiledTriangle::column_offset(i)};
    }
    return places;
}

// The last of the row's entries is on the diagonal.
void spread_row(std::span<const float> row, float factor, std::span<const Place> places,
                float* to) {
    const Place own = places[row.size() - 1];
    for (size_t j = 0; j < row.size(); ++j) {
        const Place other = places[j];
        const size_t at = other.row < own.row ? other.row + own.column : own.row + other.column;
        to[at] = factor * row[j];
    }
}

}  // namespace

std::vector<float> mirrored(const std::vector<float>& lower, size_t width, float factor) {
    std::vector<float> matrix(lower.size());
    for_each_row(0, (width + kSquare - 1) / kSquare, width, [&](size_t row) {
        const size_t top = row * kSquare;
        for (size_t left = 0; left <= top; left += kSquare) {
            mirror_square(lower.data(), top, left, {matrix.data(), width, factor});
        }
    });
    return matrix;
}

void permute(std::vector<float>& matrix, std::span<const uint32_t> order) {
    const size_t width = order.size();
    std::vector<float> spare(width);
    for (size_t i = 0; i < width; ++i) permute_row(matrix.data() + i * width, order, spare);
    permute_rows(matrix.data(), order, spare);
}

TiledTriangle permuted_tiles(const std::vector<float>& lower, float factor,
                             std::span<const uint32_t> order) {
    const size_t width = order.size();
    TiledTriangle triangle(width);
    const std::vector<Place> places = places_of(order);
    for_each_row(0, triangle.tiles(), width, [&](size_t tile) {
        const size_t end = std::min(width, (tile + 1) * kSide);
        for (size_t i = tile * kSide; i < end; ++i) {
            const size_t row = order[i];
            const std::span<const float> from(lower.data() + row * width, row + 1);
            spread_row(from, factor, places, triangle.values());
        }
    });
    return triangle;
}

}  // namespace bitgauge
