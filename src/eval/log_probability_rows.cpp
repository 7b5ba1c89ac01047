#include "eval/log_probability_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace bitgauge {
namespace {

struct RowScale {
    float scale;
    float minimum;
};

}  // namespace

void encode_log_probabilities(std::span<const float> logits, float range_nats,
                              std::span<uint16_t> row) {
    const auto [least, most] = std::ranges::minmax(logits);
    const float minimum = std::max(least, most - range_nats);
    double sum = 0;
    for (float logit : logits) sum += std::exp(logit - most);
    const auto log_sum = static_cast<float>(std::log(sum));
    const RowScale head{.scale = (most - minimum) / 65535.F, .minimum = minimum - most - log_sum};
    std::memcpy(row.data(), &head, sizeof head);
    const auto values = row.subspan(sizeof head / sizeof(uint16_t));
    std::ranges::fill(values, uint16_t{0});
    if (head.scale == 0 || !std::isfinite(head.scale)) return;
    const float inverse = 1 / head.scale;
    for (size_t v = 0; v < logits.size(); ++v) {
        // nearest, ties to even, as the peer's addition of 2^23 * 1.5 rounds
        if (logits[v] > minimum) {
            values[v] = static_cast<uint16_t>(std::nearbyint(inverse * (logits[v] - minimum)));
        }
    }
}

void decode_log_probabilities(std::span<const uint16_t> row, size_t first, std::span<float> out) {
    RowScale head{};
    std::memcpy(&head, row.data(), sizeof head);
    const auto values = row.subspan(sizeof head / sizeof(uint16_t) + first, out.size());
    for (size_t i = 0; i < out.size(); ++i) {
        out[i] = head.scale * static_cast<float>(values[i]) + head.minimum;
    }
}

}  // namespace bitgauge
