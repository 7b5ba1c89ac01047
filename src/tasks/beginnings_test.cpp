#include "tasks/beginnings.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

using Prompts = std::vector<std::vector<TokenId>>;

std::vector<PromptGroup> grouped(const Prompts& prompts) {
    return group_by_beginning(std::vector<Tokens>(prompts.begin(), prompts.end()));
}

// `common` tokens of one kind, then some that no other has.
std::vector<TokenId> prompt(size_t common, TokenId kind, size_t own) {
    static TokenId next = 1000;
    std::vector<TokenId> tokens(common, kind);
    while (own-- > 0) tokens.push_back(next++);
    return tokens;
}

TEST(Beginnings, OfPromptsThatShareLittleAreNotShared) {
    const Prompts prompts = {prompt(9, 1, 50), prompt(9, 1, 50), prompt(0, 1, 5)};
    const auto groups = grouped(prompts);
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups[0].prompts, (std::vector<size_t>{0, 1, 2}));
    EXPECT_EQ(groups[0].shared, 0U);
}

TEST(Beginnings, AreSharedByThoseThatHaveThem) {
    const Prompts prompts = {prompt(200, 1, 5), prompt(300, 2, 5), prompt(200, 1, 9),
                             prompt(0, 0, 7), prompt(300, 2, 1)};
    const auto groups = grouped(prompts);
    ASSERT_EQ(groups.size(), 3U);
    EXPECT_EQ(groups[0].prompts, (std::vector<size_t>{0, 2}));
    EXPECT_EQ(groups[0].shared, 200U);
    EXPECT_EQ(groups[1].prompts, (std::vector<size_t>{1, 4}));
    EXPECT_EQ(groups[1].shared, 300U);
    EXPECT_EQ(groups[2].prompts, std::vector<size_t>{3});
}

// All begin with the same 40 tokens; two by two they share 400 more.
TEST(Beginnings, AreLongRatherThanOfMany) {
    Prompts prompts;
    for (const TokenId kind : {1, 2, 1, 2}) {
        std::vector<TokenId> each = prompt(40, 9, 0);
        each.insert(each.end(), 400, kind);
        each.push_back(static_cast<TokenId>(100 + prompts.size()));
        prompts.push_back(each);
    }
    const auto groups = grouped(prompts);
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].prompts, (std::vector<size_t>{0, 2}));
    EXPECT_EQ(groups[0].shared, 440U);
}

TEST(Beginnings, LeaveEveryPromptATokenOfItsOwn) {
    const Prompts prompts = {prompt(500, 1, 0), prompt(600, 1, 0), prompt(500, 1, 0)};
    const auto groups = grouped(prompts);
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups[0].shared, 499U);
}

TEST(Beginnings, HoldEveryPromptOnce) {
    Prompts prompts;
    for (size_t i = 0; i < 60; ++i)
        prompts.push_back(prompt(i * 7 % 90, static_cast<TokenId>(i % 3), i % 5 + 1));
    std::vector<size_t> all;
    for (const PromptGroup& group : grouped(prompts)) {
        all.insert(all.end(), group.prompts.begin(), group.prompts.end());
        for (const size_t i : group.prompts) EXPECT_LT(group.shared, prompts[i].size());
    }
    std::ranges::sort(all);
    for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i);
    EXPECT_EQ(all.size(), prompts.size());
    EXPECT_TRUE(grouped({}).empty());
}

}  // namespace
}  // namespace bitgauge
