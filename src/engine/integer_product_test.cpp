#include "engine/integer_product.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "engine/activation.h"

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kWidth = 768;

std::vector<float> random_values(size_t n, float spread, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> values(n);
    for (float& value : values) value = normal(generator);
    return values;
}

struct QuantizedRows {
    std::vector<std::byte> bytes;
    std::vector<float> decoded;
};

QuantizedRows q6_k_rows(std::vector<float> values) {
    const auto rows = static_cast<int64_t>(values.size() / kWidth);
    QuantizedRows made;
    made.bytes.resize(static_cast<size_t>(rows) * ggml_row_size(GGML_TYPE_Q6_K, kWidth));
    ggml_quantize_chunk(GGML_TYPE_Q6_K, values.data(), made.bytes.data(), 0, rows, kWidth, nullptr);
    made.decoded.resize(values.size());
    decode_row(GGML_TYPE_Q6_K, made.bytes, made.decoded);
    return made;
}

std::vector<float> rounded_inputs(std::vector<float> states) {
    std::vector<std::byte> scratch(activation_scratch_bytes(GGML_TYPE_Q6_K, kWidth));
    for (size_t at = 0; at < states.size(); at += kWidth) {
        round_activation_row(GGML_TYPE_Q6_K, std::span(states).subspan(at, kWidth), scratch);
    }
    return states;
}

// Largest |got - x . w| in units of what single precision may lose over a row's products.
double worst_error(const std::vector<float>& x, const std::vector<float>& w, size_t first,
                   size_t rows, const std::vector<float>& got) {
    const size_t vocabulary = w.size() / kWidth;
    double worst = 0;
    for (size_t i = 0; i < rows; ++i) {
        for (size_t j = 0; j < vocabulary; ++j) {
            double sum = 0;
            double magnitude = 0;
            for (size_t k = 0; k < kWidth; ++k) {
                const double product = double{x[(first + i) * kWidth + k]} * w[j * kWidth + k];
                sum += product;
                magnitude += std::abs(product);
            }
            worst = std::max(worst, std::abs(got[i * vocabulary + j] - sum) / (1e-6 * magnitude));
        }
    }
    return worst;
}

double worst_of(size_t n_states, size_t n_weights, size_t first, size_t rows, float spread) {
    const std::vector<float> states = random_values(n_states * kWidth, spread, 1);
    const QuantizedRows weights = q6_k_rows(random_values(n_weights * kWidth, 0.02F, 2));
    const IntegerInputs inputs(states, kWidth);
    IntegerWeights arranged;
    arranged.decode(weights.bytes, kWidth);
    std::vector<float> out(rows * n_weights);
    integer_product(inputs, first, rows, arranged, out);
    return worst_error(rounded_inputs(states), weights.decoded, first, rows, out);
}

class IntegerProduct : public testing::Test {
  protected:
    void SetUp() override {
        if (!has_integer_product(GGML_TYPE_Q6_K, kWidth)) GTEST_SKIP() << "needs AVX2";
    }
};

TEST_F(IntegerProduct, IsTheProductOfTheRoundedInputsAndTheDecodedWeights) {
    EXPECT_LT(worst_of(8, 40, 0, 8, 1), 1);
}

TEST_F(IntegerProduct, TakesAnyNumberOfRowsFromAGroupOn) {
    for (size_t rows : {1, 2, 3, 5}) EXPECT_LT(worst_of(9, 33, 4, rows, 1), 1) << rows;
}

TEST_F(IntegerProduct, DoesNotOverflowAtTheLargestIntegers) {
    // Inputs that all round to +-127 and weights that all stand at the ends of their range.
    std::vector<float> states(4 * kWidth, 3.0F);
    std::vector<float> values(2 * kWidth);
    for (size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? -1.0F : -1.0001F;
    const QuantizedRows weights = q6_k_rows(values);
    const IntegerInputs inputs(states, kWidth);
    IntegerWeights arranged;
    arranged.decode(weights.bytes, kWidth);
    std::vector<float> out(8);
    integer_product(inputs, 0, 4, arranged, out);
    EXPECT_LT(worst_error(rounded_inputs(states), weights.decoded, 0, 4, out), 1);
}

TEST_F(IntegerProduct, ZeroInputsGiveZero) {
    const IntegerInputs inputs(std::vector<float>(4 * kWidth), kWidth);
    IntegerWeights arranged;
    arranged.decode(q6_k_rows(random_values(kWidth, 1, 3)).bytes, kWidth);
    std::vector<float> out(4, 1);
    integer_product(inputs, 0, 4, arranged, out);
    EXPECT_EQ(out, std::vector<float>(4, 0.0F));
}

TEST(IntegerProductTypes, OtherTypesAndWidthsAreLeftToSinglePrecision) {
    EXPECT_FALSE(has_integer_product(GGML_TYPE_Q8_0, kWidth));
    EXPECT_FALSE(has_integer_product(GGML_TYPE_Q6_K, 300));
}

}  // namespace
}  // namespace bitgauge
