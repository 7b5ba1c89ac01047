#include "sweep/tensor_list.h"

#include <algorithm>
#include <map>

namespace bitgauge {
namespace {

constexpr size_t kEnds = 2;

// Whether the i-th of n in depth belongs to the coarse grid of a role, the `turn`-th of all: roles
// take turns, so that what happens in some layer to all of them is not missed by all of them.
bool on_grid(size_t i, size_t n, size_t turn, uint32_t every) {
    if (i < kEnds || i + kEnds >= n) return true;
    const size_t inside = n - 2 * kEnds;
    return (i - kEnds) % every == turn % std::min<size_t>(every, inside);
}

// Of each role's tensors, in depth, those whose place `wanted(i, n, turn)` picks; roles have turns.
template <class Wanted>
std::vector<size_t> of_each_role(const std::vector<TensorCost>& tensors, Wanted wanted) {
    std::map<std::string, std::vector<size_t>> of_role;
    for (size_t i = 0; i < tensors.size(); ++i) of_role[tensors[i].role].push_back(i);
    std::vector<size_t> chosen;
    size_t turn = 0;
    for (auto& [role, indices] : of_role) {
        std::ranges::sort(indices, {}, [&](size_t i) { return tensors[i].layer; });
        for (size_t i = 0; i < indices.size(); ++i) {
            if (wanted(i, indices.size(), turn)) chosen.push_back(indices[i]);
        }
        ++turn;
    }
    std::ranges::sort(chosen);
    return chosen;
}

}  // namespace

std::vector<size_t> spread_in_depth(const std::vector<TensorCost>& tensors, uint32_t every) {
    return of_each_role(
        tensors, [&](size_t i, size_t n, size_t turn) { return on_grid(i, n, turn, every); });
}

std::vector<size_t> every_in_depth(const std::vector<TensorCost>& tensors, uint32_t every) {
    return of_each_role(tensors, [&](size_t i, size_t n, size_t) {
        return i % every == std::min<size_t>(every, n) / 2;
    });
}

}  // namespace bitgauge
