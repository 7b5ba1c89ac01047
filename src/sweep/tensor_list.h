#pragma once

// The tensors of a model that a quantizer touches, and which of them a sweep measures.

#include <string>
#include <vector>

#include "bitgauge/recipe.h"
#include "bitgauge/sweep_table.h"

namespace bitgauge {

// In the order of the model's layers; neither errors nor probes yet.
std::vector<TensorCost> quantized_tensors(const ModelHeader& model);

// Indices of those to measure first: of every role each `every`-th layer that has it, the first two
// and the last two; and all without a layer.
std::vector<size_t> spread_in_depth(const std::vector<TensorCost>& tensors, uint32_t every);

// Of every role one in `every` layers that have it, the first one half as far in: at least one.
std::vector<size_t> every_in_depth(const std::vector<TensorCost>& tensors, uint32_t every);

}  // namespace bitgauge
