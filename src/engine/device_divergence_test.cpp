#include "engine/device_divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kWidth = 256;
constexpr size_t kVocabulary = 1037;
constexpr size_t kRows = 37;

std::vector<float> random_values(size_t n, double spread, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, static_cast<float>(spread));
    std::vector<float> values(n);
    for (float& value : values) value = normal(random);
    return values;
}

std::vector<float> disturbed(std::vector<float> values, double spread) {
    const auto noise = random_values(values.size(), spread, 9);
    for (size_t i = 0; i < values.size(); ++i) values[i] += noise[i];
    return values;
}

// A head whose weights live here.
struct OwnedHead {
    OwnedHead(ggml_type type, unsigned seed, HeadTransform transform = {})
        : bytes(kVocabulary * ggml_row_size(type, kWidth)) {
        const auto values = random_values(kVocabulary * kWidth, 0.15, seed);
        ggml_quantize_chunk(type, values.data(), bytes.data(), 0, kVocabulary, kWidth, nullptr);
        head = std::make_unique<Head>(type, kVocabulary, kWidth, bytes, std::move(transform));
    }
    std::vector<std::byte> bytes;
    std::unique_ptr<Head> head;
};

std::vector<TokenId> some_next() {
    std::vector<TokenId> next;
    for (size_t i = 0; i < kRows; ++i) next.push_back(static_cast<TokenId>(i * 31 % kVocabulary));
    return next;
}

// ln of the probabilities after one state, in double precision from the head's own logits.
std::vector<double> log_probabilities(const Head& head, std::span<const float> state) {
    const HeadInputs inputs = head.prepare({state.begin(), state.end()});
    std::vector<float> logits(kVocabulary);
    HeadScratch scratch;
    head.logits(inputs, 0, 1, 0, kVocabulary, logits, scratch);
    const double most = *std::ranges::max_element(logits);
    double sum = 0;
    for (float logit : logits) sum += std::exp(logit - most);
    std::vector<double> result;
    for (float logit : logits) result.push_back(logit - most - std::log(sum));
    return result;
}

DeviceFigures by_definition(const std::vector<double>& p, const std::vector<double>& q,
                            TokenId next) {
    DeviceFigures figures;
    for (size_t v = 0; v < kVocabulary; ++v) figures.kld_nats += std::exp(p[v]) * (p[v] - q[v]);
    figures.nll_nats = -q[static_cast<size_t>(next)];
    figures.reference_nats = -p[static_cast<size_t>(next)];
    figures.same_top =
        std::ranges::max_element(p) - p.begin() == std::ranges::max_element(q) - q.begin();
    return figures;
}

struct Compared {
    std::vector<DeviceFigures> device;
    std::vector<DeviceFigures> defined;
};

Compared compare(const OwnedHead& original, const OwnedHead& candidate,
                 const std::vector<float>& original_states,
                 const std::vector<float>& candidate_states) {
    const auto next = some_next();
    const auto device = Device::open(Device::Kind::kCpu);
    const auto loaded = device->load(*original.head);
    const auto loaded_candidate = device->load(*candidate.head);
    Compared compared;
    // scratch for a few rows, so that several graphs run
    compared.device = device->diverge(*loaded, original_states, *loaded_candidate, candidate_states,
                                      next, kVocabulary * 4 * 6 * 10);
    for (size_t i = 0; i < kRows; ++i) {
        const auto state = [&](const auto& states) {
            return std::span(states).subspan(i * kWidth, kWidth);
        };
        compared.defined.push_back(
            by_definition(log_probabilities(*original.head, state(original_states)),
                          log_probabilities(*candidate.head, state(candidate_states)), next[i]));
    }
    return compared;
}

void expect_equal(const Compared& compared) {
    ASSERT_EQ(compared.device.size(), kRows);
    for (size_t i = 0; i < kRows; ++i) {
        const DeviceFigures& device = compared.device[i];
        const DeviceFigures& defined = compared.defined[i];
        EXPECT_NEAR(device.kld_nats, defined.kld_nats, 2e-6) << i;
        EXPECT_NEAR(device.nll_nats, defined.nll_nats, 1e-5) << i;
        EXPECT_NEAR(device.reference_nats, defined.reference_nats, 1e-5) << i;
        EXPECT_EQ(device.same_top, defined.same_top) << i;
    }
}

TEST(DeviceDivergence, IsThatOfTheDefinition) {
    const OwnedHead original(GGML_TYPE_BF16, 1);
    const auto states = random_values(kRows * kWidth, 1, 2);
    for (const ggml_type type : {GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q6_K, GGML_TYPE_Q4_K}) {
        SCOPED_TRACE(ggml_type_name(type));
        const OwnedHead candidate(type, 1);
        expect_equal(compare(original, candidate, states, disturbed(states, 0.05)));
    }
}

TEST(DeviceDivergence, KnowsScaleSoftcapAndBias) {
    const HeadTransform transform{
        .scale = 0.7, .softcap = 4, .bias = random_values(kVocabulary, 0.3, 5)};
    const OwnedHead original(GGML_TYPE_BF16, 1, transform);
    const OwnedHead candidate(GGML_TYPE_Q8_0, 1, transform);
    const auto states = random_values(kRows * kWidth, 1, 2);
    expect_equal(compare(original, candidate, states, disturbed(states, 0.05)));
}

TEST(DeviceDivergence, AFarCandidateIsStillFinite) {
    const OwnedHead original(GGML_TYPE_BF16, 1);
    const OwnedHead other(GGML_TYPE_BF16, 8);
    const auto states = random_values(kRows * kWidth, 20, 2);  // logits of hundreds
    const Compared compared = compare(original, other, states, states);
    for (size_t i = 0; i < kRows; ++i) {
        EXPECT_NEAR(compared.device[i].kld_nats / compared.defined[i].kld_nats, 1, 1e-5) << i;
    }
}

TEST(DeviceDivergence, WhatIsNotFiniteShows) {
    const OwnedHead head(GGML_TYPE_BF16, 1);
    const auto states = random_values(kRows * kWidth, 1, 2);
    auto broken = states;
    broken[3 * kWidth] = std::numeric_limits<float>::quiet_NaN();
    const Compared compared = compare(head, head, states, broken);
    EXPECT_FALSE(std::isfinite(compared.device[3].kld_nats));
    EXPECT_TRUE(std::isfinite(compared.device[2].kld_nats));
}

}  // namespace
}  // namespace bitgauge
