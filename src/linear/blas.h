#pragma once

// Dense arithmetic in single precision by OpenBLAS: products, a triangular factor and solutions.
//
// Matrices are row-major parts of larger ones. Every call runs in the calling thread, is
// thread-safe, and throws Error(kEnvironment) when OpenBLAS cannot be loaded. Operands do not
// overlap the result.

#include <cstddef>
#include <span>
#include <string>

namespace bitgauge {

// Row i begins at data + i * stride.
struct ConstMatrix {
    const float* data = nullptr;
    size_t rows = 0;
    size_t columns = 0;
    size_t stride = 0;
};
struct Matrix {
    float* data = nullptr;
    size_t rows = 0;
    size_t columns = 0;
    size_t stride = 0;

    operator ConstMatrix() const { return {data, rows, columns, stride}; }  // NOLINT
};

// The processor that the products are written for, in OpenBLAS's words: "SkylakeX".
std::string product_processor();

enum class Form { kPlain, kTransposed };

// out = left * right^T: `left` has `rows` rows and `right` `columns` rows of `width` floats each;
// `out` has `rows` rows of `columns`.
void multiply_transposed(std::span<const float> left, size_t rows, std::span<const float> right,
                         size_t columns, size_t width, std::span<float> out);

// sum += factor * left * right, either of them transposed where its form says so.
void add_product(float factor, ConstMatrix left, Form left_form, ConstMatrix right, Form right_form,
                 Matrix sum);

// sum += rows^T * rows, in the lower triangle alone.
void add_gram(ConstMatrix rows, Matrix sum);

// matrix = L L^T; reads the lower triangle and leaves L in it. False where the matrix is not
// positive definite to rounding; the triangle is then spoiled.
bool factor_cholesky(Matrix matrix);

// solution = upper^-1 * solution, or upper^-T * solution: `upper` is square, read above its
// diagonal, which counts as ones.
void solve_unit_upper(ConstMatrix upper, Form form, Matrix solution);

}  // namespace bitgauge
