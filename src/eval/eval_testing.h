#pragma once

// What the tests of this room compare with: rows of logits, the definitions in double precision,
// and llama-perplexity's own encoding.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "engine/engine_testing.h"

namespace bitgauge {

// `rows` x `vocabulary` logits of standard deviation `spread`.
inline std::vector<float> random_logits(size_t rows, size_t vocabulary, double spread,
                                        unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, static_cast<float>(spread));
    std::vector<float> logits(rows * vocabulary);
    for (float& logit : logits) logit = normal(random);
    return logits;
}

inline std::vector<float> disturbed(std::vector<float> logits, double spread, unsigned seed) {
    const std::vector<float> noise = random_logits(1, logits.size(), spread, seed);
    for (size_t i = 0; i < logits.size(); ++i) logits[i] += noise[i];
    return logits;
}

inline std::vector<double> log_softmax_in_double(std::span<const float> logits) {
    double most = logits[0];
    for (float logit : logits) most = std::max<double>(most, logit);
    double sum = 0;
    for (float logit : logits) sum += std::exp(logit - most);
    std::vector<double> result;
    for (float logit : logits) result.push_back(logit - most - std::log(sum));
    return result;
}

// One row as llama-perplexity writes it (llama.cpp tools/perplexity/perplexity.cpp, log_softmax()
// that encodes), statement by statement, with the range as a parameter.
inline std::vector<uint16_t> peer_row(std::span<const float> logits, float range) {
    float max_logit = logits[0];
    float min_logit = logits[0];
    for (float logit : logits) {
        max_logit = std::max(max_logit, logit);
        min_logit = std::min(min_logit, logit);
    }
    min_logit = std::max(min_logit, max_logit - range);
    double sum_exp = 0.0;
    for (float logit : logits) sum_exp += std::exp(logit - max_logit);
    const auto log_sum_exp = static_cast<float>(std::log(sum_exp));
    const float d[2] = {(max_logit - min_logit) / 65535.F, min_logit - max_logit - log_sum_exp};
    std::vector<uint16_t> row(2 * ((logits.size() + 1) / 2) + 4);
    std::memcpy(row.data(), d, sizeof d);
    if (d[0] == 0) return row;
    const float inverse = 1 / d[0];
    for (size_t i = 0; i < logits.size(); ++i) {
        if (!(logits[i] > min_logit)) continue;
        const float value = inverse * (logits[i] - min_logit) + 12582912.F;
        int32_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        row[4 + i] = static_cast<uint16_t>((bits & 0x007fffff) - 0x00400000);
    }
    return row;
}

// The Error that `call` throws.
inline Error error_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error";
    return {ErrorKind::kGate, "no error"};
}

}  // namespace bitgauge
