#include "rounding/rounding_testing.h"

#include <cmath>
#include <random>

#include "linear/blas.h"

namespace bitgauge {
namespace {

std::vector<float> normal_values(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

// Gram-Schmidt, twice for orthogonality to rounding.
void make_orthonormal(std::vector<float>& rows, size_t width) {
    for (size_t i = 0; i < width; ++i) {
        float* row = rows.data() + i * width;
        for (int pass = 0; pass < 2; ++pass) {
            for (size_t j = 0; j < i; ++j) {
                const float* other = rows.data() + j * width;
                double along = 0;
                for (size_t c = 0; c < width; ++c) along += double{row[c]} * double{other[c]};
                for (size_t c = 0; c < width; ++c) row[c] -= static_cast<float>(along) * other[c];
            }
        }
        double square = 0;
        for (size_t c = 0; c < width; ++c) square += double{row[c]} * double{row[c]};
        const auto inverse = static_cast<float>(1 / std::sqrt(square));
        for (size_t c = 0; c < width; ++c) row[c] *= inverse;
    }
}

}  // namespace

SyntheticInput::SyntheticInput(size_t width, double decay, unsigned seed)
    : width_(width), mixing_(normal_values(width * width, seed)) {
    make_orthonormal(mixing_, width);
    const std::vector<float> sizes = normal_values(width, seed + 1);
    for (size_t i = 0; i < width; ++i) {
        const double root = std::pow(static_cast<double>(i + 1), -decay / 2);
        for (size_t c = 0; c < width; ++c) {
            mixing_[i * width + c] *= static_cast<float>(root * std::exp(double{sizes[c]} / 2));
        }
    }
}

std::vector<float> SyntheticInput::tokens(size_t count, unsigned seed) const {
    const std::vector<float> white = normal_values(count * width_, seed + 1000);
    std::vector<float> tokens(count * width_);
    add_product(1, {white.data(), count, width_, width_}, Form::kPlain,
                {mixing_.data(), width_, width_, width_}, Form::kPlain,
                {tokens.data(), count, width_, width_});
    return tokens;
}

InputMoments moments_of(size_t width, const std::vector<float>& xq, const std::vector<float>& x) {
    InputMoments moments = {.width = width};
    moments.add(xq, x);
    return moments;
}

std::vector<float> synthetic_weights(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::student_t_distribution<float> heavy(5);
    std::vector<float> weights(count);
    for (float& weight : weights) weight = 0.02F * heavy(random);
    return weights;
}

}  // namespace bitgauge
