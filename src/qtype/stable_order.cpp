#include "qtype/stable_order.h"

#include <array>
#include <cstdlib>
#include <random>

namespace bitgauge {
namespace {

constexpr size_t kMaxCount = 32;

// As ggml lays them out: what a sort that moves elements by size sees is the same.
struct Element {
    float value;
    uint32_t index;
};

int compare(const void* left, const void* right) {
    const float l = static_cast<const Element*>(left)->value;
    const float r = static_cast<const Element*>(right)->value;
    return l < r ? -1 : l > r ? 1 : 0;
}

bool keeps_order(const std::array<float, kMaxCount>& values, size_t count) {
    std::array<uint32_t, kMaxCount> order{};
    order_by_library(values.data(), count, order.data());
    for (size_t j = 1; j < count; ++j) {
        if (values[order[j - 1]] == values[order[j]] && order[j - 1] > order[j]) return false;
    }
    return true;
}

bool keeps_order_of_many() {
    std::mt19937 random(1);
    std::array<float, kMaxCount> values{};
    for (uint32_t round = 0; round < 2000; ++round) {
        for (float& value : values) value = static_cast<float>(random() % (2 + round % 31));
        if (!keeps_order(values, 16) || !keeps_order(values, 32)) return false;
    }
    return true;
}

}  // namespace

void order_by_library(const float* values, size_t count, uint32_t* order) {
    std::array<Element, kMaxCount> elements{};
    for (size_t i = 0; i < count; ++i) elements[i] = {values[i], static_cast<uint32_t>(i)};
    std::qsort(elements.data(), count, sizeof(Element), compare);
    for (size_t i = 0; i < count; ++i) order[i] = elements[i].index;
}

bool library_keeps_order() {
    static const bool keeps = keeps_order_of_many();
    return keeps;
}

}  // namespace bitgauge
