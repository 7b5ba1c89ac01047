#pragma once

// Which tensors of a model a sweep measures.

#include <string>
#include <vector>

#include "bitgauge/sweep_table.h"

namespace bitgauge {

// Indices of those to measure first: of every role the first two and the last two layers that have
// it, and each `every`-th between them, at least one, beginning with another one for another role;
// and all without a layer.
std::vector<size_t> spread_in_depth(const std::vector<TensorCost>& tensors, uint32_t every);

// Of every role one in `every` layers that have it, the first one half as far in: at least one.
std::vector<size_t> every_in_depth(const std::vector<TensorCost>& tensors, uint32_t every);

}  // namespace bitgauge
