#include "eval/group_inputs.h"

#include <gtest/gtest.h>

#include "gguf/model_copy_testing.h"

namespace bitgauge {
namespace {

constexpr const char* kName = "blk.0.ffn_down_exps.weight";

class GroupInputsTest : public ::testing::Test {
  protected:
    GroupInputsTest() : folder_(fresh_folder("group_inputs")), originals_(folder_ / "originals") {}
    ~GroupInputsTest() override { std::filesystem::remove_all(folder_); }

    GroupInputs inputs(size_t experts) {
        return {{.members = {kName}, .width = 2, .experts = experts},
                &originals_,
                kName,
                folder_ / "quantized"};
    }

    std::filesystem::path folder_;
    KeptRows originals_;
};

using Values = std::vector<float>;

// Two tokens, each with two experts of its own row.
ProductRows call(Values values, std::vector<int32_t> experts) {
    return {.width = 2,
            .tokens = 2,
            .slots = 2,
            .values = std::move(values),
            .choices = 2,
            .experts = std::move(experts)};
}

TEST_F(GroupInputsTest, AnExpertHasTheRowsThatItTook) {
    originals_.add(kName, call({1, 1, 2, 0, 3, 0, 0, 0}, {0, 1, 1, 2}));
    GroupInputs inputs = this->inputs(3);
    inputs.add(call({1, 2, 0, 1, 5, 5, 4, 0}, {0, 1, 0, 1}), /*for_check=*/false);
    // Expert 1 took (0, 1) and (4, 0), which are (2, 0) and (3, 0) in the original.
    const SplitMoments of_one = inputs.take(1);
    EXPECT_EQ(of_one.fit.tokens, 2U);
    EXPECT_EQ(of_one.fit.second, (Values{16, 0, 0, 1}));
    EXPECT_EQ(of_one.fit.shift, (Values{-4, 2, 0, -1}));
    EXPECT_EQ(of_one.check.tokens, 0U);
    // Expert 0 took (1, 2), in the original (1, 1), and (5, 5), which the original gave to others.
    const SplitMoments of_none = inputs.take(0);
    EXPECT_EQ(of_none.fit.second, (Values{26, 0, 27, 29}));
    EXPECT_EQ(of_none.fit.shift, (Values{0, 0, -1, -2}));
    EXPECT_EQ(inputs.take(2).fit.tokens, 0U);
}

TEST_F(GroupInputsTest, AllExpertsTogetherAreThosesMomentsInSum) {
    originals_.add(kName, call({1, 1, 2, 0, 3, 0, 0, 0}, {0, 1, 1, 2}));
    originals_.add(kName, call({1, 1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 2}));
    GroupInputs inputs = this->inputs(3);
    inputs.add(call({1, 2, 0, 1, 5, 5, 4, 0}, {0, 1, 0, 1}), /*for_check=*/false);
    inputs.add(call({9, 9, 9, 9, 9, 9, 9, 9}, {0, 1, 0, 1}), /*for_check=*/true);
    InputMoments sum = inputs.take(0).fit;
    sum.merge(inputs.take(1).fit);
    const InputMoments pooled = inputs.pooled();
    EXPECT_EQ(pooled.tokens, sum.tokens);
    EXPECT_EQ(pooled.second, sum.second);
    EXPECT_EQ(pooled.shift, sum.shift);
}

TEST_F(GroupInputsTest, JudgesAreKeptApart) {
    const ProductRows rows = {.width = 2, .tokens = 1, .values = {1, 2}};
    originals_.add(kName, rows);
    originals_.add(kName, {.width = 2, .tokens = 1, .values = {3, 0}});
    GroupInputs inputs = this->inputs(0);
    inputs.add(rows, /*for_check=*/false);
    inputs.add(rows, /*for_check=*/true);
    const SplitMoments moments = inputs.take(0);
    EXPECT_EQ(moments.fit.second, (Values{1, 0, 2, 4}));
    EXPECT_EQ(moments.fit.shift, (Values{0, 0, 0, 0}));
    EXPECT_EQ(moments.check.shift, (Values{2, 4, -2, -4}));
    EXPECT_EQ(moments.original.second, (Values{9, 0, 0, 0}));
    EXPECT_EQ(moments.all().tokens, 2U);
}

TEST_F(GroupInputsTest, WithoutAnOriginalThereIsNoShift) {
    GroupInputs inputs({.members = {kName}, .width = 2, .experts = 3}, nullptr, kName,
                       folder_ / "quantized");
    inputs.add(call({1, 2, 0, 1, 5, 5, 4, 0}, {0, 1, 0, 1}), /*for_check=*/true);
    const SplitMoments moments = inputs.take(1);
    EXPECT_EQ(moments.check.second, (Values{16, 0, 0, 1}));
    EXPECT_EQ(moments.original.second, moments.check.second);
    EXPECT_TRUE(moments.check.shift.empty());
}

}  // namespace
}  // namespace bitgauge
