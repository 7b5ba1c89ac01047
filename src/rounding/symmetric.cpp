#include "rounding/symmetric.h"

#include <algorithm>

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

// The first `count` entries of a row in the new order.
void permute_row(float* row, std::span<const uint32_t> order, size_t count,
                 std::vector<float>& spare) {
    std::copy_n(row, order.size(), spare.begin());
    for (size_t j = 0; j < count; ++j) row[j] = spare[order[j]];
}

// Cycle by cycle: each row moves once, as far as it counts where it comes to stand.
template <class Count>
void permute_rows(float* matrix, std::span<const uint32_t> order, const Count& count,
                  std::vector<float>& spare) {
    const size_t width = order.size();
    std::vector<bool> done(width);
    for (size_t first = 0; first < width; ++first) {
        if (done[first]) continue;
        std::copy_n(matrix + first * width, width, spare.begin());
        size_t to = first;
        for (; order[to] != first; to = order[to]) {
            std::copy_n(matrix + order[to] * width, count(to), matrix + to * width);
            done[to] = true;
        }
        std::copy_n(spare.begin(), count(to), matrix + to * width);
        done[to] = true;
    }
}

}  // namespace

std::vector<float> mirrored(const std::vector<float>& lower, size_t width, float factor) {
    std::vector<float> matrix(lower.size());
    for (size_t top = 0; top < width; top += kSquare) {
        for (size_t left = 0; left <= top; left += kSquare) {
            mirror_square(lower.data(), top, left, {matrix.data(), width, factor});
        }
    }
    return matrix;
}

void permute(std::vector<float>& matrix, std::span<const uint32_t> order, Half half) {
    const size_t width = order.size();
    const auto count = [&](size_t row) { return half == Half::kLower ? row + 1 : width; };
    std::vector<float> spare(width);
    for (size_t i = 0; i < width; ++i) {
        permute_row(matrix.data() + order[i] * width, order, count(i), spare);
    }
    permute_rows(matrix.data(), order, count, spare);
}

}  // namespace bitgauge
