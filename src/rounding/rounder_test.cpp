#include "rounding/rounder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/frozen_blocks.h"

#include "rounding/rounding_testing.h"

namespace bitgauge {
namespace {

constexpr size_t kWidth = 256;

int id_of(const char* name) {
    return find_type(name)->id;
}

using Bytes = std::vector<std::byte>;

Bytes nearest(int type_id, const std::vector<float>& weights, size_t width,
              std::span<const float> importance) {
    Bytes bytes(type_by_id(type_id)->row_bytes(weights.size()));
    encode_rows(type_id, weights, width, importance, bytes);
    return bytes;
}

Bytes with_feedback(const Rounder& rounder, int type_id, const std::vector<float>& weights) {
    Bytes bytes(type_by_id(type_id)->row_bytes(weights.size()));
    rounder.round(type_id, weights, bytes);
    return bytes;
}

std::vector<float> decoded(int type_id, const Bytes& bytes, size_t count) {
    std::vector<float> values(count);
    decode_row(type_id, bytes, values);
    return values;
}

std::vector<const QType*> rounded_types() {
    std::vector<const QType*> types;
    for (const QType& type : all_types()) {
        if (can_round_with_feedback(type.id)) types.push_back(&type);
    }
    return types;
}

// GPTQ (Frantar et al. 2022) as it is written: the inverse of H', the upper factor of the inverse,
// and what is left of each channel's error taken from all channels after it. In double.
class Textbook {
  public:
    Textbook(const InputMoments& moments, double damping) : width_(moments.width) {
        const auto tokens = static_cast<double>(moments.tokens);
        double mean = 0;
        for (size_t i = 0; i < width_; ++i) mean += moments.second[i * width_ + i] / tokens;
        mean /= static_cast<double>(width_);
        order_.resize(width_);
        std::iota(order_.begin(), order_.end(), size_t{0});
        std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
            return moments.second[a * width_ + a] > moments.second[b * width_ + b];
        });
        std::vector<double> matrix(width_ * width_);
        for (size_t i = 0; i < width_; ++i) {
            for (size_t j = 0; j < width_; ++j) {
                const size_t a = std::max(order_[i], order_[j]);
                const size_t b = std::min(order_[i], order_[j]);
                const double h = moments.second[a * width_ + b] / tokens;
                matrix[i * width_ + j] = i == j ? h + 1e-6 * mean : (1 - damping) * h;
            }
        }
        invert(matrix);
        factor(matrix);
    }

    // Levels of a row; `margin[c]`: how far the target of a channel was from a tie, in steps.
    std::vector<uint8_t> round(const FrozenGrid& grid, std::span<const float> row,
                               std::span<const float> steps, std::span<const float> offsets,
                               std::vector<double>& margins) const {
        std::vector<double> w(width_);
        for (size_t k = 0; k < width_; ++k) w[k] = row[order_[k]];
        std::vector<uint8_t> levels(width_);
        margins.assign(width_, 0);
        for (size_t k = 0; k < width_; ++k) {
            const size_t channel = order_[k];
            const double step = steps[channel / grid.step_weights];
            const double offset = offsets[channel / grid.step_weights];
            const size_t level = nearest_level(grid, (w[k] - offset) / step, margins[channel]);
            levels[channel] = static_cast<uint8_t>(level);
            const double value = step * double{grid.values[level]} + offset;
            const double error = (w[k] - value) / upper_[k * width_ + k];
            for (size_t j = k; j < width_; ++j) w[j] -= error * upper_[k * width_ + j];
        }
        return levels;
    }

    const std::vector<size_t>& order() const { return order_; }

  private:
    static size_t nearest_level(const FrozenGrid& grid, double x, double& margin) {
        std::vector<double> distances;
        for (const float value : grid.values) distances.push_back(std::fabs(x - double{value}));
        const auto best = std::min_element(distances.begin(), distances.end());
        const auto level = static_cast<size_t>(best - distances.begin());
        const double shortest = *best;
        *best = std::numeric_limits<double>::infinity();
        margin = *std::min_element(distances.begin(), distances.end()) - shortest;
        return level;
    }

    // Gauss-Jordan without pivots.
    void invert(std::vector<double>& m) const {
        for (size_t k = 0; k < width_; ++k) {
            const double inverse = 1 / m[k * width_ + k];
            m[k * width_ + k] = 1;
            for (size_t j = 0; j < width_; ++j) m[k * width_ + j] *= inverse;
            for (size_t i = 0; i < width_; ++i) {
                if (i == k) continue;
                const double factor = m[i * width_ + k];
                m[i * width_ + k] = 0;
                for (size_t j = 0; j < width_; ++j) m[i * width_ + j] -= factor * m[k * width_ + j];
            }
        }
    }

    // m = upper^T upper.
    void factor(std::vector<double>& m) {
        upper_.assign(width_ * width_, 0);
        for (size_t k = 0; k < width_; ++k) {
            const double root = std::sqrt(m[k * width_ + k]);
            for (size_t j = k; j < width_; ++j) upper_[k * width_ + j] = m[k * width_ + j] / root;
            for (size_t i = k + 1; i < width_; ++i) {
                for (size_t j = i; j < width_; ++j) {
                    m[i * width_ + j] -= upper_[k * width_ + i] * upper_[k * width_ + j];
                }
            }
        }
    }

    size_t width_;
    std::vector<size_t> order_;
    std::vector<double> upper_;
};

// Channels of a row that agree before the first in the order that is nearly a tie; -1 for a
// disagreement without one.
int agreement(const Textbook& book, const std::vector<uint8_t>& found,
              const std::vector<uint8_t>& expected, const std::vector<double>& margins) {
    int agreed = 0;
    for (const size_t channel : book.order()) {
        if (found[channel] != expected[channel]) return margins[channel] < 1e-3 ? agreed : -1;
        ++agreed;
    }
    return agreed;
}

TEST(Rounder, ChoosesTheIntegersOfTheTextbook) {
    constexpr size_t kRows = 20;
    const SyntheticInput input(kWidth, 1, 1);
    const InputMoments moments = moments_of(kWidth, input.tokens(2048, 1));
    const std::vector<float> weights = synthetic_weights(kRows * kWidth, 2);
    const Textbook book(moments, 0.01);
    const Rounder rounder(moments, {.damping = 0.01, .correction = 0});
    for (const QType* type : rounded_types()) {
        const FrozenGrid* grid = frozen_grid(type->id);
        if (grid == nullptr) continue;
        const Bytes bytes = with_feedback(rounder, type->id, weights);
        const size_t row_bytes = bytes.size() / kRows;
        int agreed = 0;
        for (size_t r = 0; r < kRows; ++r) {
            const auto row = std::span(bytes).subspan(r * row_bytes, row_bytes);
            std::vector<float> steps(kWidth / grid->step_weights);
            std::vector<float> offsets(steps.size());
            read_steps(type->id, row, steps, offsets);
            std::vector<uint8_t> levels(kWidth);
            read_levels(type->id, row, levels);
            std::vector<double> margins;
            const auto expected = book.round(*grid, std::span(weights).subspan(r * kWidth, kWidth),
                                             steps, offsets, margins);
            const int same = agreement(book, levels, expected, margins);
            EXPECT_GE(same, 0) << type->name << " row " << r;
            agreed += same;
        }
        // Types of many levels have more that are nearly ties.
        EXPECT_GE(agreed, static_cast<int>(kRows * kWidth) / 2) << type->name;
    }
}

TEST(Rounder, KeepsTheStepsOfTheEncoder) {
    const SyntheticInput input(kWidth, 1, 1);
    const InputMoments moments = moments_of(kWidth, input.tokens(512, 1));
    const Rounder rounder(moments, {.correction = 0});
    const std::vector<float> weights = synthetic_weights(3 * kWidth, 2);
    for (const QType* type : rounded_types()) {
        const FrozenGrid* grid = frozen_grid(type->id);
        if (grid == nullptr) continue;
        std::vector<float> steps[2];
        std::vector<float> offsets[2];
        const Bytes bytes[2] = {with_feedback(rounder, type->id, weights),
                                nearest(type->id, weights, kWidth, rounder.importance())};
        for (size_t side = 0; side < 2; ++side) {
            steps[side].resize(weights.size() / grid->step_weights);
            offsets[side].resize(steps[side].size());
            read_steps(type->id, bytes[side], steps[side], offsets[side]);
        }
        EXPECT_EQ(steps[0], steps[1]) << type->name;
        EXPECT_EQ(offsets[0], offsets[1]) << type->name;
    }
}

// Of the error with feedback to that without, on the tokens of the moments.
double error_ratio(const InputMoments& moments, const Rounder& rounder, int type_id,
                   const std::vector<float>& weights) {
    const auto rounded = with_feedback(rounder, type_id, weights);
    const auto plain = nearest(type_id, weights, moments.width, rounder.importance());
    return output_error(moments, weights, decoded(type_id, rounded, weights.size())) /
           output_error(moments, weights, decoded(type_id, plain, weights.size()));
}

TEST(Rounder, GainsAboutWhatItPredicts) {
    const std::vector<float> weights = synthetic_weights(64 * kWidth, 2);
    for (const double decay : {0.5, 1.0, 1.5}) {
        const SyntheticInput input(kWidth, decay, 1);
        const InputMoments moments = moments_of(kWidth, input.tokens(4096, 1));
        const Rounder rounder(moments, {.damping = 0.01, .correction = 0});
        for (const char* name : {"q4_0", "q4_K", "q3_K", "iq4_nl"}) {
            const double ratio = error_ratio(moments, rounder, id_of(name), weights);
            EXPECT_LT(ratio, rounder.predicted_gain() * 1.25) << name << " decay " << decay;
            EXPECT_GT(ratio, rounder.predicted_gain() * 0.75) << name << " decay " << decay;
        }
    }
}

TEST(Rounder, EverySweepLowersTheError) {
    const SyntheticInput input(kWidth, 1, 1);
    const InputMoments moments = moments_of(kWidth, input.tokens(2048, 1));
    const std::vector<float> weights = synthetic_weights(64 * kWidth, 2);
    for (const QType* type : rounded_types()) {
        const auto error_after = [&](int sweeps) {
            const Rounder rounder(moments, {.damping = 0, .correction = 0, .sweeps = sweeps});
            const Bytes bytes = with_feedback(rounder, type->id, weights);
            return output_error(moments, weights, decoded(type->id, bytes, weights.size()));
        };
        const double first = error_after(1);
        EXPECT_LT(first, error_after(0)) << type->name;
        EXPECT_LT(error_after(2), first * (1 + 1e-6)) << type->name;
    }
}

TEST(Rounder, PredictsNoGainForWhiteInput) {
    const InputMoments moments = {.width = 2, .tokens = 4, .second = {4, 0, 0, 4}};
    EXPECT_NEAR(Rounder(moments, {}).predicted_gain(), 1, 1e-6);
}

TEST(Rounder, PredictsTheGainOfTwoChannels) {
    // H = [1 .8; .8 1] with U_12 = .8: D = (1 - .64, 1), so (0.36 + 1) / 2.
    const InputMoments moments = {.width = 2, .tokens = 1, .second = {1, 0, 0.8F, 1}};
    EXPECT_NEAR(Rounder(moments, {.damping = 0}).predicted_gain(), 0.68, 1e-5);
    // lambda = .5 halves .8 to .4: (1 - .16 + 1) / 2.
    EXPECT_NEAR(Rounder(moments, {.damping = 0.5}).predicted_gain(), 0.92, 1e-5);
}

TEST(Rounder, RowsAreTheSameInAnyCompanyAndOnAnyThreads) {
    constexpr size_t kRows = 300;
    const SyntheticInput input(kWidth, 1, 1);
    const std::vector<float> xq = input.tokens(512, 1);
    std::vector<float> x = xq;
    for (size_t i = 0; i < x.size(); ++i) x[i] += 0.1F * xq[(i * 7) % xq.size()];
    const InputMoments moments = moments_of(kWidth, xq, x);
    const Rounder rounder(moments, {.correction = 0.5, .sweeps = 1});
    const std::vector<float> weights = synthetic_weights(kRows * kWidth, 2);
    for (const QType* type : rounded_types()) {
        const Bytes together = with_feedback(rounder, type->id, weights);
        const size_t row_bytes = together.size() / kRows;
        {
            const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
            EXPECT_EQ(with_feedback(rounder, type->id, weights), together) << type->name;
        }
        for (const size_t r : {size_t{0}, size_t{131}, size_t{299}}) {
            const auto begin = weights.begin() + static_cast<ptrdiff_t>(r * kWidth);
            const Bytes alone = with_feedback(rounder, type->id, {begin, begin + kWidth});
            EXPECT_EQ(std::memcmp(alone.data(), together.data() + r * row_bytes, row_bytes), 0)
                << type->name << " row " << r;
        }
    }
}

TEST(Rounder, FullDampingIsNearestRoundingOnTheSameSteps) {
    const SyntheticInput input(kWidth, 1, 1);
    const InputMoments moments = moments_of(kWidth, input.tokens(512, 1));
    const Rounder rounder(moments, {.damping = 1, .correction = 0});
    EXPECT_NEAR(rounder.predicted_gain(), 1, 1e-6);
    const std::vector<float> weights = synthetic_weights(8 * kWidth, 2);
    const int type_id = id_of("q5_0");
    const auto values = decoded(type_id, with_feedback(rounder, type_id, weights), weights.size());
    const auto plain =
        decoded(type_id, nearest(type_id, weights, kWidth, rounder.importance()), weights.size());
    for (size_t i = 0; i < weights.size(); ++i) {
        EXPECT_LE(std::fabs(weights[i] - values[i]), std::fabs(weights[i] - plain[i]) + 1e-9);
    }
}

TEST(Rounder, CorrectionReachesTheLeastSquaresOptimum) {
    // Fine steps, so that what is left is the correction: x = M xq, whose best W* is W M.
    constexpr size_t kChannels = 32;
    constexpr size_t kTokens = 512;
    const SyntheticInput input(kChannels, 0.5, 1);
    const std::vector<float> xq = input.tokens(kTokens, 1);
    std::vector<float> x(xq.size());
    for (size_t t = 0; t < kTokens; ++t) {
        for (size_t c = 0; c < kChannels; ++c) {
            x[t * kChannels + c] =
                0.9F * xq[t * kChannels + c] + 0.3F * xq[t * kChannels + (c + 5) % kChannels];
        }
    }
    const InputMoments moments = moments_of(kChannels, xq, x);
    const std::vector<float> weights = synthetic_weights(16 * kChannels, 2);
    std::vector<float> best(weights.size());
    for (size_t i = 0; i < weights.size(); ++i) {
        const size_t c = i % kChannels;
        best[i] = 0.9F * weights[i] + 0.3F * weights[i - c + (c + kChannels - 5) % kChannels];
    }
    const double optimum = output_error(moments, weights, best);
    ASSERT_LT(optimum, 0);
    const int type_id = id_of("q8_0");
    const auto error_of = [&](double correction) {
        const Rounder rounder(moments, {.damping = 0, .correction = correction});
        const auto bytes = with_feedback(rounder, type_id, weights);
        return output_error(moments, weights, decoded(type_id, bytes, weights.size()));
    };
    EXPECT_NEAR(error_of(1), optimum, -1e-3 * optimum);
    // Half way makes good three quarters.
    EXPECT_NEAR(error_of(0.5), 0.75 * optimum, -1e-2 * optimum);

    Rounder changed(moments, {.damping = 0, .correction = 0.5});
    changed.set_correction(1);
    const Rounder fresh(moments, {.damping = 0, .correction = 1});
    EXPECT_EQ(with_feedback(changed, type_id, weights), with_feedback(fresh, type_id, weights));
}

TEST(Rounder, ManagesChannelsThatAreNeverUsed) {
    InputMoments moments = {.width = 32, .tokens = 3, .second = std::vector<float>(32 * 32)};
    const std::vector<float> weights = synthetic_weights(32, 1);
    with_feedback(Rounder(moments, {}), id_of("q4_0"), weights);
    moments.second[0] = 1;
    with_feedback(Rounder(moments, {.damping = 0}), id_of("q4_0"), weights);
}

TEST(Rounder, FactorsMomentsOfFewerTokensThanChannels) {
    const SyntheticInput input(kWidth, 1, 1);
    const InputMoments moments = moments_of(kWidth, input.tokens(3, 1));
    const Rounder rounder(moments, {.damping = 0, .correction = 0});
    EXPECT_GT(rounder.predicted_gain(), 0);
    with_feedback(rounder, id_of("q4_0"), synthetic_weights(kWidth, 1));
}

ErrorKind kind_of_failure(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::kGate;
}

TEST(Rounder, RefusesWhatIsNotFinite) {
    InputMoments moments = {.width = 32, .tokens = 3, .second = std::vector<float>(32 * 32, 1.0F)};
    const Rounder rounder(moments, {});
    std::vector<float> weights(32);
    weights[5] = std::nanf("");
    EXPECT_EQ(kind_of_failure([&] { with_feedback(rounder, id_of("q4_0"), weights); }),
              ErrorKind::kNotFinite);
    moments.second[33] = std::nanf("");
    EXPECT_EQ(kind_of_failure([&] { Rounder(moments, {}); }), ErrorKind::kNotFinite);
}

TEST(Rounder, RefusesTypesAndSizesThatDoNotFit) {
    const InputMoments moments = {
        .width = 32, .tokens = 3, .second = std::vector<float>(32 * 32, 1.0F)};
    const Rounder rounder(moments, {});
    const std::vector<float> weights(32);
    EXPECT_EQ(kind_of_failure([&] { with_feedback(rounder, id_of("f16"), weights); }),
              ErrorKind::kInput);
    Bytes bytes(17);
    EXPECT_EQ(kind_of_failure([&] { rounder.round(id_of("q4_0"), weights, bytes); }),
              ErrorKind::kInput);
    const InputMoments empty = {.width = 32};
    EXPECT_EQ(kind_of_failure([&] { Rounder(empty, {}); }), ErrorKind::kInput);
}

}  // namespace
}  // namespace bitgauge
