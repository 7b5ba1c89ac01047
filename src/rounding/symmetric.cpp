#include "rounding/symmetric.h"

#include <algorithm>

namespace bitgauge {
namespace {

constexpr size_t kSquare = 64;  // two squares of so many columns stay in the first cache

void mirror_square(float* matrix, size_t width, size_t top, size_t left) {
    const size_t bottom = std::min(width, top + kSquare);
    const size_t right = std::min(width, left + kSquare);
    for (size_t i = top; i < bottom; ++i) {
        for (size_t j = left; j < std::min(i, right); ++j) {
            matrix[j * width + i] = matrix[i * width + j];
        }
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

}  // namespace

void mirror_lower(std::vector<float>& matrix, size_t width) {
    for (size_t top = 0; top < width; top += kSquare) {
        for (size_t left = 0; left <= top; left += kSquare) {
            mirror_square(matrix.data(), width, top, left);
        }
    }
}

void permute(std::vector<float>& matrix, std::span<const uint32_t> order) {
    std::vector<float> spare(order.size());
    for (size_t i = 0; i < order.size(); ++i) {
        permute_row(matrix.data() + i * order.size(), order, spare);
    }
    permute_rows(matrix.data(), order, spare);
}

}  // namespace bitgauge
