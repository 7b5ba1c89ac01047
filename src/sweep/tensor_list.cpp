#include "sweep/tensor_list.h"

#include <algorithm>
#include <map>

#include "bitgauge/recipe.h"

namespace bitgauge {
namespace {

int32_t layer_of(const std::string& tensor) {
    int layer = -1;
    return std::sscanf(tensor.c_str(), "blk.%d.", &layer) == 1 ? layer : -1;
}

// Whether the i-th of n in depth belongs to the coarse grid.
bool on_grid(size_t i, size_t n, uint32_t every) {
    return i < 2 || i + 2 >= n || i % every == 0;
}

}  // namespace

std::vector<TensorCost> quantized_tensors(const GgufFile& model) {
    const Recipe uniform{.name = "uniform", .default_type = "q8_0"};
    std::vector<TensorCost> tensors;
    for (const ResolvedTensor& tensor : resolve(model_header(model), uniform, true).tensors) {
        if (tensor.kept) continue;
        tensors.push_back({.tensor = tensor.name,
                           .role = tensor.role,
                           .layer = layer_of(tensor.name),
                           .weights = tensor.weights});
    }
    return tensors;
}

std::vector<size_t> spread_in_depth(const std::vector<TensorCost>& tensors, uint32_t every) {
    std::map<std::string, std::vector<size_t>> of_role;  // in depth
    for (size_t i = 0; i < tensors.size(); ++i) of_role[tensors[i].role].push_back(i);
    std::vector<size_t> chosen;
    for (auto& [role, indices] : of_role) {
        std::ranges::sort(indices, {}, [&](size_t i) { return tensors[i].layer; });
        for (size_t i = 0; i < indices.size(); ++i) {
            if (on_grid(i, indices.size(), every)) chosen.push_back(indices[i]);
        }
    }
    std::ranges::sort(chosen);
    return chosen;
}

}  // namespace bitgauge
