#include <algorithm>
#include <cmath>

#include "bitgauge/placement.h"

namespace bitgauge {
namespace {

// At `share` of the way from a to b; never below 0, also where the line goes on beyond them.
uint64_t between(uint64_t a, uint64_t b, double share) {
    const double from = static_cast<double>(a);
    const double value = from + (static_cast<double>(b) - from) * share;
    return value > 0 ? static_cast<uint64_t>(std::llround(value)) : 0;
}

bool shorter(const ContextMemory& a, const ContextMemory& b) {
    return a.tokens < b.tokens;
}

}  // namespace

ContextCurve::ContextCurve(std::vector<ContextMemory> known) : known_(std::move(known)) {
    std::sort(known_.begin(), known_.end(), shorter);
}

void ContextCurve::add(const ContextMemory& point) {
    std::erase_if(known_, [&](const ContextMemory& k) { return k.tokens == point.tokens; });
    known_.insert(std::upper_bound(known_.begin(), known_.end(), point, shorter), point);
}

bool ContextCurve::knows(uint64_t tokens) const {
    return std::any_of(known_.begin(), known_.end(),
                       [tokens](const ContextMemory& k) { return k.tokens == tokens; });
}

ContextMemory ContextCurve::at(uint64_t tokens) const {
    const auto above =
        std::lower_bound(known_.begin(), known_.end(), ContextMemory{.tokens = tokens}, shorter);
    if (above != known_.end() && above->tokens == tokens) return *above;
    if (known_.size() == 1) return known_.front();
    const auto right = std::clamp(above, known_.begin() + 1, known_.end() - 1);
    const ContextMemory& a = *(right - 1);
    const ContextMemory& b = *right;
    const double share = (static_cast<double>(tokens) - static_cast<double>(a.tokens)) /
                         static_cast<double>(b.tokens - a.tokens);
    return {.tokens = tokens,
            .keys_values = between(a.keys_values, b.keys_values, share),
            .recurrent = between(a.recurrent, b.recurrent, share),
            .compute = between(a.compute, b.compute, share),
            .layers_compute = between(a.layers_compute, b.layers_compute, share),
            .output = between(a.output, b.output, share)};
}

}  // namespace bitgauge
