#include "eval/product_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace bitgauge {
namespace {

void copy_row(const ProductInput& input, uint64_t i1, uint64_t i2, uint64_t i3, float* out) {
    const std::byte* from =
        input.data + i1 * input.strides[1] + i2 * input.strides[2] + i3 * input.strides[3];
    std::memcpy(out, from, input.shape[0] * sizeof(float));
}

void copy_experts(const ProductInput& input, ProductRows& rows) {
    rows.slots = input.shape[1];
    rows.tokens = input.shape[2];
    rows.choices = input.id_shape[0];
    rows.experts.resize(rows.tokens * rows.choices);
    for (size_t token = 0; token < rows.tokens; ++token) {
        for (size_t choice = 0; choice < rows.choices; ++choice) {
            const size_t at = choice * input.id_strides[0] + token * input.id_strides[1];
            std::memcpy(&rows.experts[token * rows.choices + choice], input.ids + at,
                        sizeof(int32_t));
        }
    }
}

}  // namespace

ProductRows copy_rows(const ProductInput& input) {
    const auto [width, n1, n2, n3] = input.shape;
    ProductRows rows{.width = width, .tokens = n1 * n2 * n3};
    rows.values.resize(rows.tokens * width);
    float* out = rows.values.data();
    for (uint64_t i3 = 0; i3 < n3; ++i3) {
        for (uint64_t i2 = 0; i2 < n2; ++i2) {
            for (uint64_t i1 = 0; i1 < n1; ++i1, out += width) copy_row(input, i1, i2, i3, out);
        }
    }
    if (input.ids != nullptr) copy_experts(input, rows);
    return rows;
}

void ProductRowsObserver::on_product(const ProductInput& input) {
    if (input.ids == nullptr && input.matrices * input.stacks > 1) return;
    if (group_led_by(input.weight) == nullptr) {
        groups_.push_back({.members = {input.weight},
                           .width = input.shape[0],
                           .experts = input.ids == nullptr ? 0 : input.matrices});
    }
    rows_[input.weight].push_back(copy_rows(input));
}

void ProductRowsObserver::on_shared(const ProductInput& input, const std::string& leader) {
    InputGroup* group = group_led_by(leader);
    if (group == nullptr || std::ranges::count(group->members, input.weight) > 0) return;
    group->members.push_back(input.weight);
}

InputGroup* ProductRowsObserver::group_led_by(const std::string& leader) {
    const auto found = std::ranges::find(groups_, leader, &InputGroup::leader);
    return found == groups_.end() ? nullptr : &*found;
}

std::map<std::string, std::vector<ProductRows>> ProductRowsObserver::take() {
    return std::exchange(rows_, {});
}

}  // namespace bitgauge
