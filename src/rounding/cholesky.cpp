#include "rounding/cholesky.h"

#include <algorithm>
#include <vector>

#include "rounding/parallel_rows.h"
#include "rounding/triangle_kernel.h"

namespace bitgauge {
namespace {

constexpr size_t kBand = 4;  // rows of tiles that share what is read of the rows above

// Rows of tiles [first, last) are made of those above them, which are done.
class Band {
  public:
    Band(TiledTriangle& matrix, size_t first)
        : matrix_(matrix),
          first_(first),
          last_(std::min(matrix.tiles(), first + kBand)),
          inverses_((last_ - first_) * kSide) {}

    bool factor() {
        for_each_row(first_, matrix_.tiles(), matrix_.width(), [this](size_t j) {
            for (size_t m = 0; m < first_; ++m) {
                for (size_t i = first_; i < end_of(j); ++i) subtract(m, i, j);
            }
        });
        for (size_t j = first_; j < last_; ++j) {
            divide_column(j);
            for (size_t m = first_; m < j; ++m) subtract(m, j, j);
            if (!factor_tile(matrix_.tile(j, j), inverses_of(j))) return false;
        }
        for_each_row(last_, matrix_.tiles(), matrix_.width(),
                     [this](size_t j) { divide_column(j); });
        return true;
    }

  private:
    // Behind the band's last tile in a column of the triangle.
    size_t end_of(size_t j) const { return std::min(last_, j + 1); }
    size_t columns(size_t j) const { return std::min(kSide, matrix_.width() - j * kSide); }
    float* inverses_of(size_t i) { return inverses_.data() + (i - first_) * kSide; }

    void subtract(size_t m, size_t i, size_t j) {
        if (i == j) {
            subtract_gram(matrix_.tile(m, i), matrix_.tile(i, i));
        } else {
            subtract_product(matrix_.tile(m, i), matrix_.tile(m, j), columns(j),
                             matrix_.tile(i, j));
        }
    }

    // The band's tiles of a column, as far as they are above the diagonal.
    void divide_column(size_t j) {
        for (size_t i = first_; i < std::min(last_, j); ++i) {
            for (size_t m = first_; m < i; ++m) subtract(m, i, j);
            divide_tile(matrix_.tile(i, i), inverses_of(i), columns(j), matrix_.tile(i, j));
        }
    }

    TiledTriangle& matrix_;
    size_t first_, last_;
    std::vector<float> inverses_;
};

}  // namespace

bool factor_cholesky_tiled(TiledTriangle& matrix) {
    for (size_t first = 0; first < matrix.tiles(); first += kBand) {
        if (!Band(matrix, first).factor()) return false;
    }
    return true;
}

}  // namespace bitgauge
