#include "eval/group_order.h"

#include <algorithm>

#include "bitgauge/gguf.h"

namespace bitgauge {

std::vector<std::string> GroupOrder::kind_of(const std::vector<InputGroup>& groups) {
    std::vector<std::string> kind;
    kind.reserve(groups.size());
    for (const InputGroup& group : groups) kind.push_back(tensor_role(group.leader()));
    return kind;
}

bool GroupOrder::knows(const std::vector<InputGroup>& groups) const {
    return known_.contains(kind_of(groups));
}

// Each as early as those let it that it depends on, all of which stand before it.
void GroupOrder::learn(const std::vector<InputGroup>& groups,
                       const std::vector<std::set<size_t>>& dependents) {
    std::vector<size_t> level(groups.size(), 0);
    std::vector<Step> steps;
    for (size_t i = 0; i < groups.size(); ++i) {
        steps.resize(std::max(steps.size(), level[i] + 1));
        steps[level[i]].push_back(i);
        for (const size_t dependent : dependents[i]) {
            level[dependent] = std::max(level[dependent], level[i] + 1);
        }
    }
    known_[kind_of(groups)] = std::move(steps);
}

const std::vector<GroupOrder::Step>& GroupOrder::steps(
    const std::vector<InputGroup>& groups) const {
    return known_.at(kind_of(groups));
}

}  // namespace bitgauge
