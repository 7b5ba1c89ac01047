#pragma once

// Which matrices of a stage can be rounded from one evaluation, as none changes another's input:
// those of branches beside each other, like experts and a shared expert.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "eval/product_rows.h"

namespace bitgauge {

// Learns from one stage of each kind (the same roles in the same order), and knows the others then.
// Thread-compatible.
class GroupOrder {
  public:
    using Step = std::vector<size_t>;  // indices of groups

    bool knows(const std::vector<InputGroup>& groups) const;
    // `dependents[i]`: the groups whose inputs change with the matrices of group i.
    void learn(const std::vector<InputGroup>& groups,
               const std::vector<std::set<size_t>>& dependents);
    // What can go together, step after step, of groups that are known.
    const std::vector<Step>& steps(const std::vector<InputGroup>& groups) const;

  private:
    static std::vector<std::string> kind_of(const std::vector<InputGroup>& groups);

    std::map<std::vector<std::string>, std::vector<Step>> known_;
};

}  // namespace bitgauge
