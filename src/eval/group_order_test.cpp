#include "eval/group_order.h"

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

std::vector<InputGroup> layer(const std::string& number) {
    std::vector<InputGroup> groups;
    for (const char* role :
         {"attn_q", "ffn_gate_exps", "ffn_down_exps", "ffn_up_shexp", "ffn_down_shexp"}) {
        groups.push_back({.members = {"blk." + number + "." + role + ".weight"}});
    }
    return groups;
}

const std::vector<std::set<size_t>> kDependents = {{1, 2, 3, 4}, {2}, {}, {4}, {}};

TEST(GroupOrder, BranchesBesideEachOtherGoTogether) {
    GroupOrder order;
    order.learn(layer("0"), kDependents);
    EXPECT_EQ(order.steps(layer("7")), (std::vector<GroupOrder::Step>{{0}, {1, 3}, {2, 4}}));
}

TEST(GroupOrder, OnlyStagesOfTheSameRolesAreKnown) {
    GroupOrder order;
    EXPECT_FALSE(order.knows(layer("0")));
    order.learn(layer("0"), kDependents);
    EXPECT_TRUE(order.knows(layer("1")));
    auto shorter = layer("1");
    shorter.pop_back();
    EXPECT_FALSE(order.knows(shorter));
}

TEST(GroupOrder, AChainStaysAChain) {
    GroupOrder order;
    order.learn(layer("0"), {{1}, {2}, {3}, {4}, {}});
    EXPECT_EQ(order.steps(layer("0")).size(), 5);
}

}  // namespace
}  // namespace bitgauge
