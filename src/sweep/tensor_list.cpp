#include "sweep/tensor_list.h"

#include <algorithm>
#include <map>

namespace bitgauge {
namespace {

// Whether the i-th of n in depth belongs to the coarse grid.
bool on_grid(size_t i, size_t n, uint32_t every) {
    return i < 2 || i + 2 >= n || i % every == 0;
}

// Of each role's tensors, in depth, those whose place `wanted(i, n)` picks.
template <class Wanted>
std::vector<size_t> of_each_role(const std::vector<TensorCost>& tensors, Wanted wanted) {
    std::map<std::string, std::vector<size_t>> of_role;
    for (size_t i = 0; i < tensors.size(); ++i) of_role[tensors[i].role].push_back(i);
    std::vector<size_t> chosen;
    for (auto& [role, indices] : of_role) {
        std::ranges::sort(indices, {}, [&](size_t i) { return tensors[i].layer; });
        for (size_t i = 0; i < indices.size(); ++i) {
            if (wanted(i, indices.size())) chosen.push_back(indices[i]);
        }
    }
    std::ranges::sort(chosen);
    return chosen;
}

}  // namespace

std::vector<size_t> spread_in_depth(const std::vector<TensorCost>& tensors, uint32_t every) {
    return of_each_role(tensors, [&](size_t i, size_t n) { return on_grid(i, n, every); });
}

std::vector<size_t> every_in_depth(const std::vector<TensorCost>& tensors, uint32_t every) {
    return of_each_role(
        tensors, [&](size_t i, size_t n) { return i % every == std::min<size_t>(every, n) / 2; });
}

}  // namespace bitgauge
