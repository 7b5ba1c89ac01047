#pragma once

// The fewest rules that turn one assignment of types into another; private to this room.

#include <map>
#include <string>
#include <vector>

#include "bitgauge/recipe.h"

namespace bitgauge {

// What a tensor has and what it should have.
struct TypeChange {
    std::string role;
    std::optional<int64_t> layer;
    std::string from;
    std::string to;
    bool forced = false;  // it is never quantized by itself
};

// Rules, to be tried in this order, that give each tensor its `to`. `changes` holds all tensors,
// also those with from == to; `layers`: of the model. A role is written as a whole where that takes
// no more rules than its exceptions do.
std::vector<Rule> repair_rules(const std::vector<TypeChange>& changes, int64_t layers);

// Layers of `wanted` and none of the others in `all`, as few terms as there are: "more bits",
// "first 1/8", or ranges.
std::vector<LayerTerm> name_layers(const std::vector<int64_t>& wanted,
                                   const std::vector<int64_t>& all, int64_t layers);

// Shorter is better: a rule is 10, each further entry of its lists 1.
int64_t cost_of(const std::vector<Rule>& rules);

}  // namespace bitgauge
