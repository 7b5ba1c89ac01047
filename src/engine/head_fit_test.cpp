// What an architecture does after the head's product, found again from logits that had it done.

#include <cmath>

#include <gtest/gtest.h>

#include "engine/engine_testing.h"
#include "engine/head.h"

namespace bitgauge {
namespace {

std::vector<float> transformed(const std::vector<float>& products, double scale, double softcap) {
    std::vector<float> logits;
    for (float product : products) {
        const double scaled = scale * product;
        logits.push_back(
            static_cast<float>(softcap == 0 ? scaled : softcap * std::tanh(scaled / softcap)));
    }
    return logits;
}

std::vector<float> products(size_t n) {
    std::vector<float> values = waves(n);
    for (float& value : values) value *= 20;
    return values;
}

TEST(HeadFit, FindsTheScale) {
    const std::vector<float> p = products(1000);
    for (const double scale : {0.0625, 0.125, 0.8, 1.5, 16.0}) {
        const HeadTransform fit = fit_transform(p, transformed(p, scale, 0), 0, {});
        EXPECT_NEAR(fit.scale, scale, 1e-6 * scale);
        EXPECT_EQ(fit.softcap, 0);
    }
}

TEST(HeadFit, FindsTheScaleUnderASoftcap) {
    const std::vector<float> p = products(1000);
    for (const double scale : {0.5, 1.0, 1.5}) {
        const HeadTransform fit = fit_transform(p, transformed(p, scale, 30), 30, {});
        EXPECT_NEAR(fit.scale, scale, 1e-5 * scale);
        EXPECT_EQ(fit.softcap, 30);
    }
}

TEST(HeadFit, OfAPlainHeadIsExactlyNothing) {
    std::vector<float> p = products(1000);
    std::vector<float> logits = p;
    for (size_t i = 0; i < logits.size(); ++i) logits[i] *= 1 + (i % 2 == 0 ? 1e-6F : -1e-6F);
    EXPECT_TRUE(fit_transform(p, logits, 0, {}).is_identity());
}

TEST(HeadFit, KeepsABias) {
    const std::vector<float> p = products(4);
    EXPECT_EQ(fit_transform(p, p, 0, {1, 2}).bias, (std::vector<float>{1, 2}));
    EXPECT_FALSE(fit_transform(p, p, 0, {1, 2}).is_identity());
}

TEST(HeadFit, OfZerosChangesNothing) {
    const std::vector<float> zeros(10);
    EXPECT_TRUE(fit_transform(zeros, zeros, 0, {}).is_identity());
}

TEST(HeadFit, OfNotFiniteLogitsHasNoFiniteScale) {
    const std::vector<float> p = products(4);
    const std::vector<float> logits = {1, 2, std::nanf(""), 4};
    EXPECT_FALSE(std::isfinite(fit_transform(p, logits, 0, {}).scale));
}

}  // namespace
}  // namespace bitgauge
