#include "rounding/input_moments.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "linear/blas.h"

namespace bitgauge {
namespace {

// Rows of x - xq that are made at once.
constexpr size_t kRowsAtOnce = 256;

void add_times(std::span<const float> from, double factor, std::vector<float>& to) {
    if (from.empty()) return;
    to.resize(from.size());
    const auto times = static_cast<float>(factor);
    for (size_t i = 0; i < from.size(); ++i) to[i] += times * from[i];
}

// sum += (x - xq)^T xq.
void add_shift(ConstMatrix x, ConstMatrix xq, Matrix sum) {
    std::vector<float> difference(std::min(kRowsAtOnce, x.rows) * x.columns);
    for (size_t first = 0; first < x.rows; first += kRowsAtOnce) {
        const size_t rows = std::min(kRowsAtOnce, x.rows - first);
        const size_t begin = first * x.columns;
        for (size_t i = 0; i < rows * x.columns; ++i) {
            difference[i] = x.data[begin + i] - xq.data[begin + i];
        }
        add_product(1, {difference.data(), rows, x.columns, x.columns}, Form::kTransposed,
                    {xq.data + begin, rows, x.columns, x.columns}, Form::kPlain, sum);
    }
}

}  // namespace

void InputMoments::add(std::span<const float> xq, std::span<const float> x) {
    assert(width != 0 && xq.size() % width == 0 && (x.empty() || x.size() == xq.size()));
    const size_t rows = xq.size() / width;
    second.resize(width * width);
    add_gram({xq.data(), rows, width, width}, {second.data(), width, width, width});
    tokens += rows;
    if (x.empty()) return;
    shift.resize(width * width);
    add_shift({x.data(), rows, width, width}, {xq.data(), rows, width, width},
              {shift.data(), width, width, width});
}

void InputMoments::merge(const InputMoments& other) {
    add_scaled(other, 1);
}

void InputMoments::add_scaled(const InputMoments& other, double factor) {
    assert(width == other.width);
    add_times(other.second, factor, second);
    add_times(other.shift, factor, shift);
    tokens += static_cast<uint64_t>(std::llround(factor * static_cast<double>(other.tokens)));
}

void InputMoments::add_prior(const InputMoments& other, double count) {
    if (other.tokens != 0) add_scaled(other, count / static_cast<double>(other.tokens));
}

Error not_finite(const InputMoments& moments) {
    return {ErrorKind::kNotFinite,
            fmt::format("moments of {} channels over {} tokens are not finite", moments.width,
                        moments.tokens)};
}

}  // namespace bitgauge
