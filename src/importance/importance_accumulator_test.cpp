#include "importance/importance_accumulator.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// A tensor of activations as ggml lays it out, with room between its rows.
struct Rows {
    Rows(std::array<uint64_t, 4> dimensions, uint64_t row_gap, uint32_t seed)
        : shape(dimensions), row(dimensions[0] + row_gap) {
        values.resize(row * shape[1] * shape[2] * shape[3]);
        std::mt19937 random(seed);
        std::normal_distribution<float> normal;
        for (float& value : values) value = normal(random) * 3;
    }
    Activation view() const {
        const uint64_t bytes = row * sizeof(float);
        return {.data = values.data(),
                .shape = shape,
                .strides = {4, bytes, bytes * shape[1], bytes * shape[1] * shape[2]}};
    }
    double at(uint64_t c, uint64_t i1, uint64_t i2 = 0, uint64_t i3 = 0) const {
        return static_cast<double>(values[c + row * (i1 + shape[1] * (i2 + shape[2] * i3))]);
    }

    std::array<uint64_t, 4> shape;
    uint64_t row;
    std::vector<float> values;
};

struct Ids {
    Ids(uint64_t slots, uint64_t tokens, uint64_t experts, uint32_t seed)
        : slots_(slots), tokens_(tokens), row_(experts) {
        std::mt19937 random(seed);
        values.resize(tokens * experts);  // a view of the first slots of all experts sorted
        for (int32_t& value : values) value = static_cast<int32_t>(random() % experts);
    }
    Routing view() const {
        return {.data = values.data(),
                .slots = slots_,
                .tokens = tokens_,
                .slot_stride = 4,
                .token_stride = row_ * 4};
    }
    size_t at(uint64_t slot, uint64_t token) const {
        return static_cast<size_t>(values[slot + row_ * token]);
    }

    uint64_t slots_, tokens_, row_;
    std::vector<int32_t> values;
};

std::string refusal(ErrorKind kind, const auto& act) {
    try {
        act();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), kind);
        return error.what();
    }
    return "";
}

TEST(ImportanceAccumulator, AddsTheSquaresOfEveryRow) {
    // (1, 2) and (3, -4): 1 + 9 and 4 + 16
    const std::vector<float> rows = {1, 2, 3, -4};
    ImportanceAccumulator accumulator;
    const Activation x = {.data = rows.data(), .shape = {2, 2, 1, 1}, .strides = {4, 8, 16, 16}};
    accumulator.add({.name = "w"}, x);
    accumulator.add({.name = "w"}, x);
    EXPECT_EQ(accumulator.sums().of("w").sums, (std::vector<double>{20, 40}));
    EXPECT_EQ(accumulator.sums().of("w").counts, std::vector<int64_t>{4});
}

TEST(ImportanceAccumulator, BroadcastsMatricesAsGgmlDoes) {
    const Rows x({5, 3, 6, 4}, 2, 1);
    const uint64_t matrices = 3;
    const uint64_t stacks = 2;
    std::vector<double> expected(5 * matrices * stacks);
    for (uint64_t i3 = 0; i3 < 4; ++i3) {
        for (uint64_t i2 = 0; i2 < 6; ++i2) {
            const uint64_t matrix = (i3 % stacks) * matrices + i2 % matrices;
            for (uint64_t i1 = 0; i1 < 3; ++i1) {
                for (uint64_t c = 0; c < 5; ++c) {
                    expected[matrix * 5 + c] += x.at(c, i1, i2, i3) * x.at(c, i1, i2, i3);
                }
            }
        }
    }
    ImportanceAccumulator accumulator;
    accumulator.add({.name = "k_b", .matrices = matrices, .stacks = stacks}, x.view());
    const auto& group = accumulator.sums().of("k_b");
    EXPECT_EQ(group.sums, expected);
    EXPECT_EQ(group.counts, std::vector<int64_t>{3 * 6 * 4 / 6});
    EXPECT_EQ(group.channels, 5U);
    EXPECT_EQ(group.matrices, 6U);
}

void expect_routed(uint64_t rows_per_token) {
    const uint64_t experts = 7;
    const Rows x({9, rows_per_token, 40, 1}, 3, 2);
    const Ids ids(4, 40, experts, 3);
    std::vector<double> expected(9 * experts);
    std::vector<int64_t> counts(experts);
    for (uint64_t token = 0; token < 40; ++token) {
        for (uint64_t slot = 0; slot < 4; ++slot) {
            const size_t expert = ids.at(slot, token);
            ++counts[expert];
            for (uint64_t c = 0; c < 9; ++c) {
                const double value = x.at(c, slot % rows_per_token, token);
                expected[expert * 9 + c] += value * value;
            }
        }
    }
    ImportanceAccumulator accumulator;
    accumulator.add_routed({.name = "exps", .matrices = experts}, x.view(), ids.view());
    EXPECT_EQ(accumulator.sums().of("exps").sums, expected);
    EXPECT_EQ(accumulator.sums().of("exps").counts, counts);
}

TEST(ImportanceAccumulator, GivesEachExpertTheRowsRoutedToIt) {
    expect_routed(4);  // ffn_down: a row per slot
    expect_routed(1);  // gate and up: all slots read the same row
}

TEST(ImportanceAccumulator, CountsASharedInputOnce) {
    const Rows x({8, 16, 1, 1}, 0, 4);
    ImportanceAccumulator shared;
    ImportanceAccumulator apart;
    for (int batch = 0; batch < 3; ++batch) {
        shared.add({.name = "q"}, x.view());
        shared.share({.name = "k"}, "q");
        for (const char* name : {"q", "k"}) apart.add({.name = name}, x.view());
    }
    shared.require_complete();
    EXPECT_EQ(shared.sums().groups.size(), 1U);
    for (const char* name : {"q", "k"}) {
        EXPECT_EQ(shared.sums().of(name).sums, apart.sums().of(name).sums);
        EXPECT_EQ(shared.sums().of(name).counts, apart.sums().of(name).counts);
    }
}

TEST(ImportanceAccumulator, RefusesATensorThatSharesNowAndThen) {
    const Rows x({8, 16, 1, 1}, 0, 5);
    ImportanceAccumulator a;
    a.add({.name = "q"}, x.view());
    a.share({.name = "k"}, "q");
    a.add({.name = "q"}, x.view());
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { a.require_complete(); }).find("1 of 2 tensors"),
              std::string::npos);
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { a.add({.name = "q"}, x.view()); }), "");
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { a.add({.name = "k"}, x.view()); })
                  .find("shared the input of 'q'"),
              std::string::npos);
    EXPECT_NE(
        refusal(ErrorKind::kInput, [&] { a.share({.name = "v"}, "q"); }).find("earlier it did not"),
        std::string::npos);
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { a.share({.name = "v"}, "o"); }), "");
}

TEST(ImportanceAccumulator, RefusesAnotherShapeAndExpertsThatAreNone) {
    const Rows x({8, 1, 4, 1}, 0, 6);
    const Rows wide({16, 1, 4, 1}, 0, 6);
    Ids ids(2, 4, 3, 7);
    ImportanceAccumulator a;
    a.add_routed({.name = "exps", .matrices = 3}, x.view(), ids.view());
    EXPECT_NE(
        refusal(ErrorKind::kInput,
                [&] { a.add_routed({.name = "exps", .matrices = 3}, wide.view(), ids.view()); })
            .find("16 channels"),
        std::string::npos);
    ids.values[1] = 3;
    EXPECT_NE(refusal(ErrorKind::kInput,
                      [&] { a.add_routed({.name = "exps", .matrices = 3}, x.view(), ids.view()); })
                  .find("expert 3, it has 3"),
              std::string::npos);
}

TEST(ImportanceAccumulator, RefusesANameThatNoFileCanHold) {
    const Rows x({8, 1, 1, 1}, 0, 8);
    ImportanceAccumulator a;
    EXPECT_NO_THROW(a.add({.name = std::string(55, 'n')}, x.view()));
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { a.add({.name = std::string(56, 'n')}, x.view()); })
                  .find("has 56 bytes"),
              std::string::npos);
}

TEST(ImportanceAccumulator, NamesTheTensorWhoseInputIsNotFinite) {
    Rows x({8, 4, 1, 1}, 0, 8);
    x.values[2 * 8 + 5] = std::numeric_limits<float>::infinity();
    ImportanceAccumulator a;
    EXPECT_NE(refusal(ErrorKind::kNotFinite, [&] { a.add({.name = "blk.0.w"}, x.view()); })
                  .find("'blk.0.w' holds NaN or infinity in channel 5"),
              std::string::npos);
}

void one_batch(ImportanceAccumulator& a, const Rows& x, const Rows& tokens, const Ids& ids) {
    a.add({.name = "q"}, x.view());
    a.share({.name = "k"}, "q");
    a.add_routed({.name = "gate", .matrices = 5}, tokens.view(), ids.view());
    a.share({.name = "up", .matrices = 5}, "gate");
    a.add({.name = "o"}, x.view());
}

TEST(ImportanceAccumulator, GoesOnFromAnEarlierOneToTheSameBits) {
    ImportanceAccumulator whole;
    ImportanceSums saved;
    for (uint32_t batch = 0; batch < 6; ++batch) {
        if (batch == 3) saved = whole.sums();
        one_batch(whole, Rows({8, 16, 1, 1}, 1, batch), Rows({8, 1, 16, 1}, 0, 50 + batch),
                  Ids(2, 16, 5, 90 + batch));
    }
    saved.tensors["o"] = saved.tensors["q"];  // equal content may have become one group on disk
    ImportanceAccumulator resumed(saved);
    for (uint32_t batch = 3; batch < 6; ++batch) {
        one_batch(resumed, Rows({8, 16, 1, 1}, 1, batch), Rows({8, 1, 16, 1}, 0, 50 + batch),
                  Ids(2, 16, 5, 90 + batch));
    }
    resumed.require_complete();
    for (const char* name : {"q", "k", "gate", "up", "o"}) {
        EXPECT_EQ(resumed.sums().of(name).sums, whole.sums().of(name).sums) << name;
        EXPECT_EQ(resumed.sums().of(name).counts, whole.sums().of(name).counts) << name;
    }
}

TEST(ImportanceAccumulator, DoesNotShareWhatAnEarlierOneKeptApart) {
    const Rows x({8, 16, 1, 1}, 0, 9);
    ImportanceAccumulator first;
    first.add({.name = "q"}, x.view());
    first.add({.name = "k"}, x.view());
    ImportanceAccumulator second(first.sums());
    second.add({.name = "q"}, x.view());
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { second.share({.name = "k"}, "q"); }), "");
}

}  // namespace
}  // namespace bitgauge
