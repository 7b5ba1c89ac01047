#include "rounding/cholesky.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <oneapi/tbb/parallel_for.h>

namespace bitgauge {
namespace {

constexpr size_t kPanel = 128;    // columns factored at once
constexpr size_t kSmallest = 32;  // below, products do not pay
constexpr size_t kStripe = 256;   // rows updated by one thread at once

Matrix part(Matrix matrix, size_t row, size_t column, size_t rows, size_t columns) {
    return {matrix.data + row * matrix.stride + column, rows, columns, matrix.stride};
}

// L of a corner, column by column.
bool factor_smallest(Matrix a) {
    float column[kSmallest];
    for (size_t k = 0; k < a.rows; ++k) {
        const float pivot = a.data[k * a.stride + k];
        if (!(pivot > 0)) return false;
        const float root = std::sqrt(pivot);
        for (size_t i = k; i < a.rows; ++i) column[i] = a.data[i * a.stride + k] / root;
        for (size_t i = k; i < a.rows; ++i) a.data[i * a.stride + k] = column[i];
        for (size_t i = k + 1; i < a.rows; ++i) {
            float* row = a.data + i * a.stride;
            const float factor = column[i];
            for (size_t j = k + 1; j <= i; ++j) row[j] -= factor * column[j];
        }
    }
    return true;
}

// L^-1, row by row.
void invert_smallest(ConstMatrix lower, Matrix inverse) {
    for (size_t i = 0; i < lower.rows; ++i) {
        const float* row = lower.data + i * lower.stride;
        float* out = inverse.data + i * inverse.stride;
        std::fill_n(out, lower.rows, 0.0F);
        out[i] = 1;
        for (size_t k = 0; k < i; ++k) {
            const float* solved = inverse.data + k * inverse.stride;
            for (size_t j = 0; j <= k; ++j) out[j] -= row[k] * solved[j];
        }
        for (size_t j = 0; j <= i; ++j) out[j] /= row[i];
    }
}

// a = left * right, either transposed.
void set_product(float factor, ConstMatrix left, Form left_form, ConstMatrix right, Form right_form,
                 Matrix product) {
    for (size_t i = 0; i < product.rows; ++i) {
        std::fill_n(product.data + i * product.stride, product.columns, 0.0F);
    }
    add_product(factor, left, left_form, right, right_form, product);
}

// L in the lower triangle and its inverse, by halves:
//   [A .; B C]: L_1 of A, L_21 = B L_1^-T, L_2 of C - L_21 L_21^T, and -L_2^-1 L_21 L_1^-1 below.
bool factor_corner(Matrix a, Matrix inverse) {
    if (a.rows <= kSmallest) {
        if (!factor_smallest(a)) return false;
        invert_smallest(a, inverse);
        return true;
    }
    const size_t top = a.rows / 2;
    const size_t rest = a.rows - top;
    const Matrix below = part(a, top, 0, rest, top);
    const Matrix inverse_top = part(inverse, 0, 0, top, top);
    const Matrix inverse_rest = part(inverse, top, top, rest, rest);
    if (!factor_corner(part(a, 0, 0, top, top), inverse_top)) return false;
    std::vector<float> spare(rest * top);
    const Matrix copy = {spare.data(), rest, top, top};
    set_product(1, below, Form::kPlain, inverse_top, Form::kTransposed, copy);
    for (size_t i = 0; i < rest; ++i) {
        std::copy_n(copy.data + i * top, top, below.data + i * below.stride);
    }
    add_product(-1, copy, Form::kPlain, copy, Form::kTransposed, part(a, top, top, rest, rest));
    if (!factor_corner(part(a, top, top, rest, rest), inverse_rest)) return false;
    set_product(-1, inverse_rest, Form::kPlain, below, Form::kPlain, copy);
    set_product(1, copy, Form::kPlain, inverse_top, Form::kPlain, part(inverse, top, 0, rest, top));
    for (size_t i = 0; i < top; ++i) {
        std::fill_n(inverse.data + i * inverse.stride + top, rest, 0.0F);
    }
    return true;
}

// The rows of a panel below its corner, times the transposed inverse of the corner's L.
void divide_rows(Matrix rows, ConstMatrix inverse) {
    std::vector<float> spare(rows.rows * rows.columns);
    const Matrix copy = {spare.data(), rows.rows, rows.columns, rows.columns};
    set_product(1, rows, Form::kPlain, inverse, Form::kTransposed, copy);
    for (size_t i = 0; i < rows.rows; ++i) {
        std::copy_n(copy.data + i * copy.stride, copy.columns, rows.data + i * rows.stride);
    }
}

// From rows of a panel, what the columns before it explain.
void subtract_earlier(Matrix matrix, size_t first, size_t columns, size_t begin, size_t end) {
    if (first == 0) return;
    add_product(-1, part(matrix, begin, 0, end - begin, first), Form::kPlain,
                part(matrix, first, 0, columns, first), Form::kTransposed,
                part(matrix, begin, first, end - begin, columns));
}

// Stripes of rows from `first` on.
template <class Run>
void for_each_stripe(size_t first, size_t end, const Run& run) {
    tbb::parallel_for(size_t{0}, (end - first + kStripe - 1) / kStripe, [&](size_t stripe) {
        const size_t begin = first + stripe * kStripe;
        run(begin, std::min(end, begin + kStripe));
    });
}

}  // namespace

bool factor_cholesky_blocked(Matrix matrix) {
    std::vector<float> space(kPanel * kPanel);
    for (size_t first = 0; first < matrix.rows; first += kPanel) {
        const size_t columns = std::min(kPanel, matrix.rows - first);
        const Matrix inverse = {space.data(), columns, columns, columns};
        for_each_stripe(first, matrix.rows, [&](size_t begin, size_t end) {
            subtract_earlier(matrix, first, columns, begin, end);
        });
        if (!factor_corner(part(matrix, first, first, columns, columns), inverse)) return false;
        for_each_stripe(first + columns, matrix.rows, [&](size_t begin, size_t end) {
            divide_rows(part(matrix, begin, first, end - begin, columns), inverse);
        });
    }
    return true;
}

}  // namespace bitgauge
