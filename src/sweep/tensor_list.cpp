#include "sweep/tensor_list.h"

#include <algorithm>
#include <map>

#include "bitgauge/prior.h"
#include "bitgauge/recipe.h"

namespace bitgauge {
namespace {

// Whether the i-th of n in depth belongs to the coarse grid.
bool on_grid(size_t i, size_t n, uint32_t every) {
    return i < 2 || i + 2 >= n || i % every == 0;
}

}  // namespace

std::vector<TensorCost> quantized_tensors(const GgufFile& model) {
    return quantized_tensors(model_header(model));
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
