// What rounding does to the output, from moments of the input.

#include <algorithm>
#include <cassert>
#include <numeric>
#include <vector>

#include <oneapi/tbb/parallel_for.h>

#include "linear/blas.h"
#include "rounding/rounder.h"

namespace bitgauge {
namespace {

constexpr size_t kRowsAtOnce = 128;

double dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

// Rows times a square matrix.
std::vector<float> times(std::span<const float> rows, const std::vector<float>& matrix,
                         size_t width) {
    std::vector<float> product(rows.size());
    const size_t count = rows.size() / width;
    add_product(1, {rows.data(), count, width, width}, Form::kPlain,
                {matrix.data(), width, width, width}, Form::kPlain,
                {product.data(), count, width, width});
    return product;
}

// tr(E M E^T) of the symmetric M whose lower triangle `lower` is.
double quadratic(std::span<const float> rows, const std::vector<float>& lower, size_t width) {
    double diagonal = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
        const size_t channel = i % width;
        diagonal += double{lower[channel * width + channel]} * double{rows[i]} * double{rows[i]};
    }
    return 2 * dot(rows, times(rows, lower, width)) - diagonal;
}

// The same sum whatever the threads.
template <class Sum>
double sum_over_tiles(size_t rows, const Sum& sum) {
    std::vector<double> sums((rows + kRowsAtOnce - 1) / kRowsAtOnce);
    tbb::parallel_for(size_t{0}, sums.size(), [&](size_t tile) {
        const size_t first = tile * kRowsAtOnce;
        sums[tile] = sum(first, std::min(kRowsAtOnce, rows - first));
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

double output_error(const InputMoments& moments, std::span<const float> weights,
                    std::span<const float> rounded) {
    const size_t width = moments.width;
    assert(weights.size() == rounded.size() && weights.size() % width == 0);
    const double sum = sum_over_tiles(weights.size() / width, [&](size_t first, size_t count) {
        const auto w = weights.subspan(first * width, count * width);
        std::vector<float> errors(w.begin(), w.end());
        for (size_t i = 0; i < errors.size(); ++i) errors[i] -= rounded[first * width + i];
        const double own = quadratic(errors, moments.second, width);
        if (moments.shift.empty()) return own;
        return own + 2 * dot(times(w, moments.shift, width), errors);
    });
    return sum / static_cast<double>(moments.tokens);
}

double output_energy(const InputMoments& moments, std::span<const float> weights) {
    const size_t width = moments.width;
    const double sum = sum_over_tiles(weights.size() / width, [&](size_t first, size_t count) {
        return quadratic(weights.subspan(first * width, count * width), moments.second, width);
    });
    return sum / static_cast<double>(moments.tokens);
}

}  // namespace bitgauge
